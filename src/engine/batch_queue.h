// BatchQueue: what waits to be processed in batches, and what of it goes next.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "engine/batch_request.h"

namespace docmind::engine {

// May change between batches; values below the least sensible one are taken for it.
struct BatchLimits {
  int64_t max_cost = 512;  // of a batch; an item that costs more goes alone
  size_t max_items = 64;   // of a batch
  double max_wait_ms = 0;  // that an item waits for company while nothing runs
};

struct BatchQueueOptions {
  size_t max_queued = 4'096;   // items of each priority; a larger request comes in when none of them waits
  double max_age_ms = 1'000;   // an item that waited longer goes before better priorities, in turns with them
  size_t look_ahead = 16;      // items that may be stepped over to fill a batch
};

// Decides; knows neither threads nor clocks, and is not thread-safe. Times are milliseconds of any
// clock that never goes back.
//
// Better priorities go first. Within one, requests share by cost: an item's turn is the cost that was
// served when it came plus that of its own request up to it, so a small request does not wait for the
// whole of a large one. Items of a request go dearest first. An item past the age bound opens every
// second batch, so nothing starves and nothing else starves for it. Where the next item does not fit
// into the rest of a batch, cheaper ones behind it may; it then opens the next batch.
class BatchQueue {
 public:
  struct Taken {
    std::vector<QueuedItem> batch;  // dearest first; empty only if nothing alive was queued
    std::vector<QueuedItem> dead;   // cancelled, abandoned or past their deadline
  };

  explicit BatchQueue(const BatchQueueOptions& options) : options_(options) {}

  [[nodiscard]] bool empty() const { return n_items() == 0; }
  [[nodiscard]] size_t n_items() const;
  [[nodiscard]] size_t n_items(BatchPriority priority) const { return lane(priority).items.size(); }
  [[nodiscard]] int64_t cost() const { return cost_; }
  [[nodiscard]] bool has_room(BatchPriority priority, size_t n_items) const;
  [[nodiscard]] const BatchQueueOptions& options() const { return options_; }

  // One item for each of the costs; its index in the request is that of the cost.
  void add(const std::shared_ptr<BatchRequest>& request, std::span<const int64_t> costs, double now_ms);
  // When a batch may go: in the past if it is full or does not wait, kNeverMs if nothing is queued.
  [[nodiscard]] double ready_at_ms(const BatchLimits& limits) const;
  [[nodiscard]] Taken take(const BatchLimits& limits, double now_ms);
  [[nodiscard]] std::vector<QueuedItem> remove(const BatchRequest& request);
  [[nodiscard]] std::vector<QueuedItem> remove_dead(double now_ms);
  [[nodiscard]] std::vector<QueuedItem> remove_all();

 private:
  struct Lane {
    std::map<uint64_t, QueuedItem> items;           // by number, the oldest first
    std::set<std::pair<int64_t, uint64_t>> turns;  // (turn, number)
    int64_t turn = 0;                               // of the last item that went
  };
  struct Filling;

  Lane& lane(BatchPriority priority) { return lanes_[static_cast<size_t>(priority)]; }
  [[nodiscard]] const Lane& lane(BatchPriority priority) const { return lanes_[static_cast<size_t>(priority)]; }
  QueuedItem extract(Lane& lane, uint64_t number);
  QueuedItem serve(Lane& lane, uint64_t number);
  template <typename Condition>
  std::vector<QueuedItem> remove_if(Condition&& condition);

  [[nodiscard]] bool is_aged(const QueuedItem& item, double now_ms) const {
    return now_ms - item.arrived_ms >= options_.max_age_ms;
  }
  void drop_dead_heads(Filling& filling);
  void take_aged(Filling& filling);
  bool fill_from(Lane& lane, Filling& filling);

  const BatchQueueOptions options_;
  std::array<Lane, kBatchPriorities> lanes_;  // best priority first
  int64_t cost_ = 0;
  uint64_t next_number_ = 0;
  bool aged_opened_ = false;  // the last batch was opened by an item past the age bound
};

}  // namespace docmind::engine
