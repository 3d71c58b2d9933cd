// WriteBehind: puts that wait in memory until a background thread has written them.
// SPDX-License-Identifier: Apache-2.0
#include "cache/write_behind.h"

#include <utility>

#include "cache/memory_tier.h"

namespace docmind::cache {

WriteBehind::WriteBehind(Write write, int64_t limit_bytes)
    : write_(std::move(write)), limit_bytes_(limit_bytes), thread_([this] { write_all(); }) {}

WriteBehind::~WriteBehind() {
  {
    std::lock_guard lock(mutex_);
    ends_ = true;
  }
  added_.notify_all();
  thread_.join();
}

int64_t WriteBehind::charge_of(const Put& put) {
  return put.entry.value == nullptr ? 0 : MemoryTier::charge_of(put.entry);
}

bool WriteBehind::add(const CacheKey& key, const CacheEntry& entry) {
  {
    std::lock_guard lock(mutex_);
    Put put = {.key = key, .entry = entry, .number = next_number_};
    if (size_bytes_ + charge_of(put) > limit_bytes_) return false;
    ++next_number_;
    size_bytes_ += charge_of(put);
    last_[key] = put.number;
    queue_.push_back(std::move(put));
  }
  added_.notify_one();
  return true;
}

std::optional<CacheEntry> WriteBehind::find(const CacheKey& key) const {
  std::lock_guard lock(mutex_);
  const auto last = last_.find(key);
  if (last == last_.end()) return std::nullopt;
  // Numbers in the queue follow one another without a gap.
  return queue_[last->second - queue_.front().number].entry;
}

// The put keeps its place, so that the numbers have no gap.
void WriteBehind::drop(Put& put) {
  size_bytes_ -= charge_of(put);
  put.entry.value = nullptr;
}

void WriteBehind::cancel(const CacheKey& key) {
  std::unique_lock lock(mutex_);
  if (last_.erase(key) == 0) return;
  for (size_t i = busy_ ? 1 : 0; i < queue_.size(); ++i) {
    if (queue_[i].key == key) drop(queue_[i]);
  }
  if (!busy_ || queue_.front().key != key) return;
  written_.wait(lock, [&, number = queue_.front().number] {
    return queue_.empty() || queue_.front().number != number;
  });
}

void WriteBehind::cancel_all() {
  std::unique_lock lock(mutex_);
  last_.clear();
  for (size_t i = busy_ ? 1 : 0; i < queue_.size(); ++i) drop(queue_[i]);
  if (!busy_) return;
  written_.wait(lock, [&, number = queue_.front().number] {
    return queue_.empty() || queue_.front().number != number;
  });
}

Status WriteBehind::flush() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [&, end = next_number_] {
    return queue_.empty() || queue_.front().number >= end;
  });
  return std::exchange(first_error_, {});
}

int64_t WriteBehind::size_bytes() const {
  std::lock_guard lock(mutex_);
  return size_bytes_;
}

void WriteBehind::write_all() {
  std::unique_lock lock(mutex_);
  while (true) {
    added_.wait(lock, [&] { return ends_ || !queue_.empty(); });
    if (queue_.empty()) return;
    // A copy: others may add to the queue meanwhile.
    const Put put = queue_.front();
    Status written;
    if (put.entry.value != nullptr) {
      busy_ = true;
      lock.unlock();
      written = write_(put.key, put.entry);
      lock.lock();
      busy_ = false;
    }
    finish(put, std::move(written));
  }
}

void WriteBehind::finish(const Put& put, Status written) {
  if (!written.ok() && first_error_.ok()) first_error_ = std::move(written);
  size_bytes_ -= charge_of(queue_.front());
  queue_.pop_front();
  const auto last = last_.find(put.key);
  if (last != last_.end() && last->second == put.number) last_.erase(last);
  written_.notify_all();
}

}  // namespace docmind::cache
