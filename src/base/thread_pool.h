// ThreadPool: a fixed number of threads that share the iterations of a loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace docmind {

// Passed by reference to whoever needs threads; nothing is global. One loop runs at a time; a
// second caller waits for the first loop to finish. Tasks must not throw.
class ThreadPool {
 public:
  // `n_threads` includes the calling thread, so 1 starts none; 0 means one per online CPU.
  explicit ThreadPool(size_t n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t n_threads() const { return workers_.size() + 1; }

  // Calls `body(index, thread)` for each index in [0, n), thread in [0, n_threads()); returns when
  // all calls returned. Indices are handed out in order. Not re-entrant from within `body`.
  void parallel_for(size_t n, const std::function<void(size_t index, size_t thread)>& body);

 private:
  void worker(size_t thread);
  void drain(size_t thread, std::unique_lock<std::mutex>& lock);

  std::mutex callers_;  // one loop at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(size_t, size_t)>* body_ = nullptr;  // borrowed during a loop
  size_t next_ = 0;
  size_t end_ = 0;
  size_t n_running_ = 0;
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace docmind
