// ParseQueue: worker threads turn jobs into outcomes; one consumer takes them, memory bounded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "monitor/metrics.h"
#include "pipeline/file_job.h"

namespace docmind::pipeline {

struct ParseQueueOptions {
  size_t n_threads = 1;
  size_t max_queued_bytes = 24u << 20;  // outcomes waiting for the consumer
  std::string worker_executable = {};   // see ingest::ParseWorker
  FileJobOptions job = {};
};

// Starts its threads at construction and joins them at destruction, after at most one more job
// each. `jobs` and `metrics` are borrowed for that long.
class ParseQueue {
 public:
  ParseQueue(std::span<const FileJob> jobs, ParseQueueOptions options, monitor::Metrics& metrics,
             CancelToken cancel);
  ~ParseQueue();
  ParseQueue(const ParseQueue&) = delete;
  ParseQueue& operator=(const ParseQueue&) = delete;

  struct Item {
    size_t job = 0;  // index into `jobs`
    FileOutcome outcome;
  };
  // The next outcome in any order; nullopt when every job has been handed out, or on cancel.
  std::optional<Item> next();

 private:
  void work();
  bool take_job(size_t& job);
  void deliver(Item item);

  std::span<const FileJob> jobs_;
  ParseQueueOptions options_;
  monitor::Metrics& metrics_;
  CancelToken cancel_;

  std::mutex mutex_;
  std::condition_variable space_;
  std::condition_variable filled_;
  std::deque<Item> items_;
  size_t queued_bytes_ = 0;
  size_t next_job_ = 0;
  size_t n_handed_out_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace docmind::pipeline
