// ServiceSample: what was measured of a service at one moment; control, statistics and trends are made of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cache/answer_cache.h"
#include "cache/computation_cache.h"
#include "engine/batch_stats.h"
#include "engine/scheduler_stats.h"
#include "monitor/gpu.h"
#include "monitor/snapshot.h"
#include "pipeline/worker_queue.h"

namespace docmind::pipeline {

struct ServiceSample {
  double steady_ms = 0;
  monitor::Snapshot monitor;
  int64_t memory_budget_bytes = 0;
  std::optional<engine::SchedulerStats> text;  // nullopt: no such model
  std::optional<engine::BatchStats> embedding, rerank;
  cache::AnswerCacheStats answers;             // sums over the open collections
  std::vector<cache::TierStats> answer_tiers;  // likewise, by name
  std::vector<cache::ComputationStats> computed;
  int64_t computed_memory_bytes = 0;
  WorkerQueue::Counts workers;
  size_t n_index_runs = 0;                     // that wait or run
  json::object server;                         // what the HTTP server counts; may be empty
  monitor::GpuState gpu;                       // of the last second; set by Service::sample()
  double uptime_s = 0;                         // likewise

  // Of one of the server's counts; 0 where it is not told.
  [[nodiscard]] int64_t server_count(std::string_view name) const;
  [[nodiscard]] int64_t kv_used_bytes() const;
  [[nodiscard]] int64_t answer_memory_bytes() const;
  // Requests that wait: for a worker and for a place among the texts.
  [[nodiscard]] int64_t n_queued() const;
  [[nodiscard]] int64_t n_running() const;
};

}  // namespace docmind::pipeline
