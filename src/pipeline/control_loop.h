// ControlLoop: a thread that measures once a second, lets the controller decide, applies it and keeps the trends.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "control/controller.h"
#include "monitor/gpu.h"
#include "monitor/process.h"
#include "monitor/trend.h"
#include "monitor/window.h"
#include "pipeline/take_sample.h"

namespace docmind::pipeline {

// Between two samples, a second.
struct ServiceRates {
  double cpu_cores = 0;  // that the process keeps busy
  double generated = 0, prompt = 0, embedded = 0, questions = 0, requests = 0;
};

// Sources and workers are borrowed. Any thread.
class ControlLoop {
 public:
  static Result<std::unique_ptr<ControlLoop>> start(const SampleSources& sources, WorkerQueue& workers,
                                                    std::function<json::object()> server, const Logger& logger);
  ~ControlLoop();
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  [[nodiscard]] control::Setpoints setpoints() const;
  [[nodiscard]] ServiceRates rates() const;
  [[nodiscard]] monitor::GpuState gpu() const;
  [[nodiscard]] const monitor::WindowedMetrics& window() const { return window_; }
  [[nodiscard]] const monitor::Trends& trends() const { return trends_; }
  // See Service::decisions().
  [[nodiscard]] json::object decisions(size_t limit) const;

 private:
  ControlLoop(const SampleSources& sources, WorkerQueue& workers, std::function<json::object()> server,
              const Logger& logger, control::Controller controller);
  void work();
  void step();
  void apply(const control::Setpoints& setpoints);
  void keep(std::vector<control::Decision> decisions);

  const SampleSources sources_;
  WorkerQueue& workers_;
  const std::function<json::object()> server_;
  const Logger logger_;
  control::Controller controller_;  // of the thread, and what follows
  monitor::GpuMonitor gpu_monitor_;
  monitor::CpuMeter cpu_meter_;
  ServiceSample before_;
  size_t n_limited_ = 0;            // collections whose cache limits were set

  monitor::WindowedMetrics window_;
  monitor::Trends trends_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  control::Setpoints setpoints_;
  std::deque<control::Decision> decisions_;
  std::vector<control::Recommendation> recommendations_;
  ServiceRates rates_;
  monitor::GpuState gpu_;
  std::thread thread_;
};

}  // namespace docmind::pipeline
