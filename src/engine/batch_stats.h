// BatchStats: what was processed in batches, how full they were and how long items waited.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/batch_queue.h"
#include "monitor/histogram.h"

namespace docmind::engine {

// Of values without a unit or in milliseconds; percentiles within 3%. All zero when nothing was recorded.
struct Distribution {
  uint64_t count = 0;
  double mean = 0;
  double min = 0;
  double max = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
};

// Counts since the start; what is queued, as it is now.
struct BatchStats {
  uint64_t n_requests = 0;   // taken in
  uint64_t n_refused = 0;    // requests that found the queue full
  uint64_t n_batches = 0;
  uint64_t n_retried = 0;    // batches that failed as a whole and were done item by item
  uint64_t n_items = 0;      // processed, those that failed included
  uint64_t n_failed = 0;     // items whose processing gave an error
  uint64_t n_cancelled = 0;  // items dropped before they cost anything
  uint64_t n_expired = 0;    // the same, past their deadline
  int64_t cost = 0;          // of the items processed
  Distribution batch_items;
  Distribution batch_cost;
  Distribution fill;         // of a batch: its cost / the budget; above 1 for an item beyond the budget
  Distribution wait_ms;      // of an item, from its arrival to the start of its batch
  Distribution run_ms;       // of a batch
  size_t n_queued = 0;
  int64_t queued_cost = 0;
  BatchLimits limits;
};

// Gathers BatchStats. About 40 KiB. Guarded by its owner.
class BatchRecorder {
 public:
  void batch(std::span<const QueuedItem> items, const BatchLimits& limits, double started_ms, double run_ms);
  [[nodiscard]] BatchStats snapshot() const;
  // Of the last batches; 0 before the first.
  [[nodiscard]] double ms_per_cost() const { return ms_per_cost_; }

  BatchStats counts;  // distributions, queue and limits are filled by snapshot() and its caller

 private:
  monitor::Histogram items_, cost_, fill_, wait_ms_, run_ms_;
  double ms_per_cost_ = 0;
};

}  // namespace docmind::engine
