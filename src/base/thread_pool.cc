// ThreadPool: a fixed number of threads that share the iterations of a loop.
// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <algorithm>

namespace docmind {

ThreadPool::ThreadPool(size_t n_threads) {
  if (n_threads == 0) n_threads = std::max(1u, std::thread::hardware_concurrency());
  for (size_t i = 1; i < n_threads; ++i) workers_.emplace_back([this, i] { worker(i); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : workers_) thread.join();
}

void ThreadPool::parallel_for(size_t n, const std::function<void(size_t, size_t)>& body) {
  std::lock_guard<std::mutex> caller(callers_);
  std::unique_lock<std::mutex> lock(mutex_);
  body_ = &body;
  next_ = 0;
  end_ = n;
  if (n > 1) wake_.notify_all();
  drain(0, lock);
  done_.wait(lock, [this] { return n_running_ == 0 && next_ >= end_; });
  body_ = nullptr;
}

// Takes indices until none is left. Holds the lock between calls of the body, never during one.
void ThreadPool::drain(size_t thread, std::unique_lock<std::mutex>& lock) {
  while (next_ < end_) {
    const size_t index = next_++;
    const auto* body = body_;
    ++n_running_;
    lock.unlock();
    (*body)(index, thread);
    lock.lock();
    --n_running_;
  }
}

void ThreadPool::worker(size_t thread) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || next_ < end_; });
    if (stop_) return;
    drain(thread, lock);
    if (n_running_ == 0) done_.notify_all();
  }
}

}  // namespace docmind
