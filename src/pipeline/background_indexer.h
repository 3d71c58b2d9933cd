// BackgroundIndexer: one thread of the lowest priority that indexes while questions are answered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/cancel.h"

namespace docmind::pipeline {

// Runs are taken in order, so collections that have one run waiting each take turns. Threads and processes that a run
// starts inherit the priority (nice 19, SCHED_BATCH): while questions need the CPUs, they get about 1.5% of them.
class BackgroundIndexer {
 public:
  using Run = std::function<void(const CancelToken& cancel)>;

  BackgroundIndexer();
  // Cancels the run that is under way and waits for its end; what is queued never runs.
  ~BackgroundIndexer();
  BackgroundIndexer(const BackgroundIndexer&) = delete;
  BackgroundIndexer& operator=(const BackgroundIndexer&) = delete;

  void add(Run run);
  [[nodiscard]] size_t n_waiting() const;

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Run> runs_;
  std::optional<CancelToken> running_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace docmind::pipeline
