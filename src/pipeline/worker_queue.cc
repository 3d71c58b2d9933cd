// WorkerQueue: threads that answer questions, and the questions that wait for one.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/worker_queue.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"

namespace docmind::pipeline {
namespace {

// Weight of the newest work in the mean.
constexpr double kNewest = 0.1;
constexpr int64_t kLeastRetryMs = 100;
constexpr int64_t kMostRetryMs = 120'000;

}  // namespace

WorkerQueue::WorkerQueue(size_t n_threads, size_t max_waiting) {
  counts_.max_waiting = max_waiting;
  for (size_t i = 0; i < std::max<size_t>(1, n_threads); ++i) threads_.emplace_back([this] { work(); });
}

WorkerQueue::~WorkerQueue() {
  std::deque<Work> dropped;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Status WorkerQueue::post(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return Error{ErrorCode::kCancelled, "the server is stopping"};
    const bool idle = counts_.n_running + waiting_.size() < threads_.size();
    if (!idle && waiting_.size() >= counts_.max_waiting) {
      ++counts_.n_refused;
      return Error{ErrorCode::kBusy,
                   fmt::format("{} requests wait already, and no more than {} may; come again in {}", waiting_.size(),
                               counts_.max_waiting, format_ms(static_cast<double>(retry_after_locked_ms())))};
    }
    waiting_.push_back(std::move(work));
  }
  wake_.notify_one();
  return {};
}

void WorkerQueue::set_max_waiting(size_t max_waiting) {
  const std::lock_guard lock(mutex_);
  counts_.max_waiting = max_waiting;
}

int64_t WorkerQueue::retry_after_locked_ms() const {
  const auto n_ahead = static_cast<double>(waiting_.size() + 1);
  const double ms = counts_.mean_ms * std::ceil(n_ahead / static_cast<double>(threads_.size()));
  return std::clamp(static_cast<int64_t>(ms), kLeastRetryMs, kMostRetryMs);
}

int64_t WorkerQueue::retry_after_ms() const {
  const std::lock_guard lock(mutex_);
  return retry_after_locked_ms();
}

WorkerQueue::Counts WorkerQueue::counts() const {
  const std::lock_guard lock(mutex_);
  Counts now = counts_;
  now.n_waiting = waiting_.size();
  return now;
}

void WorkerQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    Work next = std::move(waiting_.front());
    waiting_.pop_front();
    ++counts_.n_running;
    lock.unlock();
    const Stopwatch clock;
    next();
    next = nullptr;  // what it holds goes without the lock
    const double ms = clock.elapsed_ms();
    lock.lock();
    --counts_.n_running;
    ++counts_.n_done;
    counts_.mean_ms = counts_.n_done == 1 ? ms : (1 - kNewest) * counts_.mean_ms + kNewest * ms;
  }
}

}  // namespace docmind::pipeline
