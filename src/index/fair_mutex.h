// FairMutex: a shared mutex that writers get in spite of a stream of readers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <shared_mutex>

namespace docmind::index {

// Who waits does not wait for those who come after him. For std::lock_guard and std::shared_lock; a thread
// that has it must not ask for it again.
class FairMutex {
 public:
  void lock() {
    const std::lock_guard turn(turn_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    const std::lock_guard turn(turn_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  std::mutex turn_;  // held while waiting
  std::shared_mutex mutex_;
};

}  // namespace docmind::index
