// ParseQueue: worker threads turn jobs into outcomes; one consumer takes them, memory bounded.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/parse_queue.h"

#include <algorithm>
#include <chrono>

namespace docmind::pipeline {

ParseQueue::ParseQueue(std::span<const FileJob> jobs, ParseQueueOptions options,
                       monitor::Metrics& metrics, CancelToken cancel)
    : jobs_(jobs), options_(std::move(options)), metrics_(metrics), cancel_(std::move(cancel)) {
  const size_t n_threads = std::min(std::max<size_t>(options_.n_threads, 1), jobs_.size());
  for (size_t i = 0; i < n_threads; ++i) threads_.emplace_back([this] { work(); });
}

ParseQueue::~ParseQueue() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  space_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::optional<ParseQueue::Item> ParseQueue::next() {
  constexpr auto kPollCancel = std::chrono::milliseconds(50);
  std::unique_lock<std::mutex> lock(mutex_);
  if (n_handed_out_ == jobs_.size()) return std::nullopt;
  while (items_.empty()) {
    if (cancel_.cancelled()) return std::nullopt;
    filled_.wait_for(lock, kPollCancel);
  }
  Item item = std::move(items_.front());
  items_.pop_front();
  queued_bytes_ -= item.outcome.memory_bytes;
  ++n_handed_out_;
  lock.unlock();
  space_.notify_one();
  return item;
}

void ParseQueue::work() {
  ingest::ParseWorker worker(options_.worker_executable, options_.job.limits);
  size_t job = 0;
  while (take_job(job)) {
    deliver({job, run_file_job(jobs_[job], options_.job, worker, metrics_, cancel_)});
  }
}

// Waits until the consumer has caught up: a new job starts only below the byte limit.
bool ParseQueue::take_job(size_t& job) {
  std::unique_lock<std::mutex> lock(mutex_);
  space_.wait(lock, [this] { return stop_ || queued_bytes_ < options_.max_queued_bytes; });
  if (stop_ || cancel_.cancelled() || next_job_ == jobs_.size()) return false;
  job = next_job_++;
  return true;
}

void ParseQueue::deliver(Item item) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queued_bytes_ += item.outcome.memory_bytes;
    items_.push_back(std::move(item));
  }
  filled_.notify_one();
}

}  // namespace docmind::pipeline
