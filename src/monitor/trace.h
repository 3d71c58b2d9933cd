// Trace and StageTimer: where the time of one request went, written into the metrics as well.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "monitor/metrics.h"

namespace docmind::monitor {

// The time one stage took.
struct StageMs {
  Stage stage = Stage::kScan;
  double ms = 0;
};

// The stages of ONE request in the order in which they ended. Use from one thread; `metrics` is
// borrowed.
class Trace {
 public:
  explicit Trace(Metrics& metrics) : metrics_(metrics) { stages_.reserve(kStageCount); }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // Writes into the trace and into the metrics. A stage may come several times.
  void record(Stage stage, double ms) {
    stages_.push_back({stage, ms});
    metrics_.record(stage, ms);
  }

  Metrics& metrics() const { return metrics_; }
  std::span<const StageMs> stages() const { return stages_; }
  // Since the trace was made.
  double elapsed_ms() const { return clock_.elapsed_ms(); }

 private:
  Metrics& metrics_;
  Stopwatch clock_;
  std::vector<StageMs> stages_;
};

// Measures from construction to stop() or destruction and records it once: in a trace and its
// metrics, or, where there is no single request (indexing on many threads), in metrics only.
class StageTimer {
 public:
  StageTimer(Trace& trace, Stage stage) : trace_(&trace), metrics_(trace.metrics()), stage_(stage) {}
  StageTimer(Metrics& metrics, Stage stage) : metrics_(metrics), stage_(stage) {}
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  ~StageTimer() { stop(); }

  // Records now; later calls and the destructor do nothing. Returns the recorded milliseconds.
  double stop() {
    if (stopped_) return ms_;
    stopped_ = true;
    ms_ = clock_.elapsed_ms();
    if (trace_ != nullptr) {
      trace_->record(stage_, ms_);
    } else {
      metrics_.record(stage_, ms_);
    }
    return ms_;
  }

 private:
  Trace* trace_ = nullptr;
  Metrics& metrics_;
  Stage stage_;
  Stopwatch clock_;
  double ms_ = 0;
  bool stopped_ = false;
};

}  // namespace docmind::monitor
