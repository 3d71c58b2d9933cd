// BatchStats: what was processed in batches, how full they were and how long items waited.
// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_stats.h"

#include <algorithm>

namespace docmind::engine {
namespace {

constexpr double kNewShare = 0.2;  // of a new batch in the moving mean

// A histogram counts milliseconds; other values are recorded as if they were some.
Distribution distribution_of(const monitor::Histogram& histogram) {
  const monitor::HistogramSummary summary = histogram.summary();
  return {.count = summary.count,
          .mean = summary.mean_ms(),
          .min = summary.min_ms,
          .max = summary.max_ms,
          .p50 = summary.p50_ms,
          .p95 = summary.p95_ms,
          .p99 = summary.p99_ms};
}

}  // namespace

void BatchRecorder::batch(std::span<const QueuedItem> items, const BatchLimits& limits, double started_ms,
                          double run_ms) {
  int64_t cost = 0;
  for (const QueuedItem& item : items) {
    cost += item.cost;
    wait_ms_.record(started_ms - item.arrived_ms);
  }
  ++counts.n_batches;
  counts.n_items += items.size();
  counts.cost += cost;
  items_.record(static_cast<double>(items.size()));
  cost_.record(static_cast<double>(cost));
  fill_.record(static_cast<double>(cost) / static_cast<double>(std::max<int64_t>(limits.max_cost, 1)));
  run_ms_.record(run_ms);
  const double ms_per_cost = run_ms / static_cast<double>(std::max<int64_t>(cost, 1));
  ms_per_cost_ = counts.n_batches == 1 ? ms_per_cost : ms_per_cost_ + kNewShare * (ms_per_cost - ms_per_cost_);
}

BatchStats BatchRecorder::snapshot() const {
  BatchStats stats = counts;
  stats.batch_items = distribution_of(items_);
  stats.batch_cost = distribution_of(cost_);
  stats.fill = distribution_of(fill_);
  stats.wait_ms = distribution_of(wait_ms_);
  stats.run_ms = distribution_of(run_ms_);
  return stats;
}

}  // namespace docmind::engine
