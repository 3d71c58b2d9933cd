// WorkerQueue: threads that answer questions, and the questions that wait for one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"

namespace docmind::pipeline {

// Any thread may call any member.
class WorkerQueue {
 public:
  using Work = std::function<void()>;

  WorkerQueue(size_t n_threads, size_t max_waiting);
  // Waits for the work that runs; what waits is dropped undone.
  ~WorkerQueue();
  WorkerQueue(const WorkerQueue&) = delete;
  WorkerQueue& operator=(const WorkerQueue&) = delete;

  // kBusy says how many wait and when to come again. `work` must not throw.
  [[nodiscard]] Status post(Work work);
  void set_max_waiting(size_t max_waiting);
  // In how many milliseconds what waits now will have begun, by the time that the last works took.
  [[nodiscard]] int64_t retry_after_ms() const;

  struct Counts {
    size_t n_waiting = 0, n_running = 0, max_waiting = 0;  // now
    uint64_t n_refused = 0, n_done = 0;                    // since the start
    double mean_ms = 0;                                    // of the last works, without waiting
  };
  [[nodiscard]] Counts counts() const;

 private:
  void work();
  int64_t retry_after_locked_ms() const;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> waiting_;
  Counts counts_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace docmind::pipeline
