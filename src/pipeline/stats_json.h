// The object of /v1/stats.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "pipeline/control_loop.h"
#include "pipeline/service_sample.h"

namespace docmind::pipeline {

// What the object says beside the sample.
struct StatsContext {
  const ServiceOptions* options = nullptr;
  const ControlLoop* control = nullptr;
  int64_t n_documents = 0, n_chunks = 0;  // of the default collection
};

[[nodiscard]] json::object stats_json(const ServiceSample& sample, const StatsContext& context);
[[nodiscard]] json::object setpoints_json(const control::Setpoints& setpoints);
// {count, p50_ms, p90_ms, p95_ms, p99_ms, mean_ms, max_ms}.
[[nodiscard]] json::object summary_json(const monitor::HistogramSummary& summary);
// Of one cache, as in stats() and /v1/cache.
[[nodiscard]] json::object answers_json(const cache::AnswerCacheStats& stats, std::span<const cache::TierStats> tiers);
[[nodiscard]] json::object computed_json(std::span<const cache::ComputationStats> kinds);

}  // namespace docmind::pipeline
