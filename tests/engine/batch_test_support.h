// What the tests of batches share: a gate that holds a batch, a clock that is turned by hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace docmind::engine {

// Threads that pass it stop inside until it is opened; the test waits until one is inside.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++n_inside_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --n_inside_;
  }
  void wait_inside() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_inside_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int n_inside_ = 0;
};

// Waits for something that another thread is about to do.
template <typename Condition>
void wait_until(Condition&& condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace docmind::engine
