// BatchQueue: what waits to be processed in batches, and what of it goes next.
// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_queue.h"

#include <algorithm>
#include <numeric>

namespace docmind::engine {
namespace {

// Sums of costs stay far from overflow, and an item of no cost takes its turn like any other.
constexpr int64_t kMaxCost = int64_t{1} << 32;

bool is_dead(const QueuedItem& item, double now_ms) {
  return item.request->state(now_ms) != BatchRequest::State::kAlive;
}

}  // namespace

// A batch that is being put together.
struct BatchQueue::Filling {
  Taken& taken;
  double now_ms;
  int64_t room;
  size_t max_items;
  size_t n_stepped_over = 0;

  [[nodiscard]] bool fits(const QueuedItem& item) const { return taken.batch.empty() || item.cost <= room; }
  [[nodiscard]] bool full() const { return taken.batch.size() >= max_items || (!taken.batch.empty() && room <= 0); }
  void put(QueuedItem item) {
    room -= item.cost;
    taken.batch.push_back(std::move(item));
  }
};

size_t BatchQueue::n_items() const {
  size_t n = 0;
  for (const Lane& lane : lanes_) n += lane.items.size();
  return n;
}

bool BatchQueue::has_room(BatchPriority priority, size_t n_items) const {
  const size_t n_queued = lane(priority).items.size();
  return n_queued == 0 || (n_items <= options_.max_queued && n_queued <= options_.max_queued - n_items);
}

void BatchQueue::add(const std::shared_ptr<BatchRequest>& request, std::span<const int64_t> costs, double now_ms) {
  std::vector<size_t> order(costs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return costs[a] > costs[b]; });
  Lane& to = lane(request->call().priority);
  int64_t turn = to.turn;
  for (const size_t i : order) {
    const int64_t cost = std::clamp<int64_t>(costs[i], 1, kMaxCost);
    turn += cost;
    cost_ += cost;
    const uint64_t number = next_number_++;
    to.turns.emplace(turn, number);
    to.items.emplace_hint(to.items.end(), number, QueuedItem{request, i, cost, now_ms, turn, number});
  }
}

double BatchQueue::ready_at_ms(const BatchLimits& limits) const {
  const size_t n = n_items();
  if (n == 0) return kNeverMs;
  if (limits.max_wait_ms <= 0 || n >= limits.max_items || cost_ >= limits.max_cost) return -kNeverMs;
  double ready_ms = kNeverMs;  // few items are looked at: they are less than a batch
  for (const Lane& lane : lanes_) {
    for (const auto& [number, item] : lane.items) {
      // One that must not wait long goes when half of its time is over.
      const double half_ms = (item.request->deadline_ms - item.arrived_ms) / 2;
      ready_ms = std::min(ready_ms, item.arrived_ms + std::min(limits.max_wait_ms, half_ms));
    }
  }
  return ready_ms;
}

BatchQueue::Taken BatchQueue::take(const BatchLimits& limits, double now_ms) {
  Taken taken;
  Filling filling{taken, now_ms, std::max<int64_t>(limits.max_cost, 1), std::max<size_t>(limits.max_items, 1)};
  taken.batch.reserve(std::min(filling.max_items, n_items()));
  drop_dead_heads(filling);
  take_aged(filling);
  for (Lane& lane : lanes_) {
    if (!fill_from(lane, filling)) break;
  }
  std::stable_sort(taken.batch.begin(), taken.batch.end(),
                   [](const QueuedItem& a, const QueuedItem& b) { return a.cost > b.cost; });
  return taken;
}

// The oldest and the next of each lane are alive then.
void BatchQueue::drop_dead_heads(Filling& filling) {
  for (Lane& lane : lanes_) {
    while (!lane.items.empty() && is_dead(lane.items.begin()->second, filling.now_ms)) {
      filling.taken.dead.push_back(extract(lane, lane.items.begin()->first));
    }
    while (!lane.turns.empty() && is_dead(lane.items.at(lane.turns.begin()->second), filling.now_ms)) {
      filling.taken.dead.push_back(extract(lane, lane.turns.begin()->second));
    }
  }
}

void BatchQueue::take_aged(Filling& filling) {
  Lane* first = nullptr;   // whose next item would open the batch
  Lane* oldest = nullptr;  // that has the oldest item
  for (Lane& lane : lanes_) {
    if (lane.items.empty()) continue;
    if (first == nullptr) first = &lane;
    if (oldest == nullptr || lane.items.begin()->first < oldest->items.begin()->first) oldest = &lane;
  }
  const bool passed_over = oldest != nullptr && is_aged(oldest->items.begin()->second, filling.now_ms) &&
                           first->turns.begin()->second != oldest->items.begin()->first;
  aged_opened_ = passed_over && !aged_opened_;
  if (aged_opened_) filling.put(serve(*oldest, oldest->items.begin()->first));
}

// False when no more items may be added.
bool BatchQueue::fill_from(Lane& lane, Filling& filling) {
  for (auto turn = lane.turns.begin(); turn != lane.turns.end();) {
    if (filling.full()) return false;
    const uint64_t number = turn->second;
    ++turn;  // before the item goes
    const QueuedItem& item = lane.items.at(number);
    if (is_dead(item, filling.now_ms)) {
      filling.taken.dead.push_back(extract(lane, number));
    } else if (filling.fits(item)) {
      filling.put(serve(lane, number));
    } else if (++filling.n_stepped_over > options_.look_ahead || is_aged(item, filling.now_ms)) {
      return false;  // a fuller batch would make an item wait longer that has waited enough
    }
  }
  return !filling.full();
}

QueuedItem BatchQueue::extract(Lane& lane, uint64_t number) {
  const auto found = lane.items.find(number);
  QueuedItem item = std::move(found->second);
  lane.items.erase(found);
  lane.turns.erase({item.turn, number});
  cost_ -= item.cost;
  return item;
}

QueuedItem BatchQueue::serve(Lane& lane, uint64_t number) {
  QueuedItem item = extract(lane, number);
  lane.turn = std::max(lane.turn, item.turn);
  return item;
}

template <typename Condition>
std::vector<QueuedItem> BatchQueue::remove_if(Condition&& condition) {
  std::vector<QueuedItem> removed;
  for (Lane& lane : lanes_) {
    for (auto at = lane.items.begin(); at != lane.items.end();) {
      const auto item = at++;
      if (condition(item->second)) removed.push_back(extract(lane, item->first));
    }
  }
  return removed;
}

std::vector<QueuedItem> BatchQueue::remove(const BatchRequest& request) {
  return remove_if([&](const QueuedItem& item) { return item.request.get() == &request; });
}

std::vector<QueuedItem> BatchQueue::remove_dead(double now_ms) {
  return remove_if([&](const QueuedItem& item) { return is_dead(item, now_ms); });
}

std::vector<QueuedItem> BatchQueue::remove_all() {
  return remove_if([](const QueuedItem&) { return true; });
}

}  // namespace docmind::engine
