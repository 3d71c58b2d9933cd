// BatchQueue: what goes next, what waits, what is dropped.
// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

namespace docmind::engine {
namespace {

class TestRequest final : public BatchRequest {
 public:
  using BatchRequest::BatchRequest;
  void refuse(size_t, const Error&) override {}
};

constexpr auto kInteractive = BatchPriority::kInteractive;
constexpr auto kBackground = BatchPriority::kBackground;

// A queue, its limits and a time; items are told by their costs.
struct Desk {
  BatchLimits limits{.max_cost = 100, .max_items = 10};
  BatchQueue queue;
  double now_ms = 0;

  explicit Desk(const BatchQueueOptions& options = {}) : queue(options) {}

  std::shared_ptr<BatchRequest> add(std::vector<int64_t> costs, BatchPriority priority = kInteractive,
                                    const CancelToken& cancel = {}) {
    auto request = std::make_shared<TestRequest>(BatchCall{.priority = priority}, cancel, costs.size());
    queue.add(request, costs, now_ms);
    return request;
  }
  std::vector<int64_t> take() { return costs_of(queue.take(limits, now_ms).batch); }
  static std::vector<int64_t> costs_of(const std::vector<QueuedItem>& items) {
    std::vector<int64_t> costs;
    for (const QueuedItem& item : items) costs.push_back(item.cost);
    return costs;
  }
};
using Costs = std::vector<int64_t>;

TEST(BatchQueue, GivesDearestFirstWithinTheBudget) {
  Desk desk;
  desk.add({10, 60, 30, 50});
  EXPECT_EQ(desk.queue.cost(), 150);
  EXPECT_EQ(desk.take(), (Costs{60, 30, 10})) << "50 does not fit beside 60";
  EXPECT_EQ(desk.take(), (Costs{50}));
  EXPECT_EQ(desk.take(), Costs{});
  EXPECT_TRUE(desk.queue.empty());
  EXPECT_EQ(desk.queue.cost(), 0);
}

TEST(BatchQueue, KeepsTheOrderOfEqualCostsAndTheIndexOfEachItem) {
  Desk desk;
  desk.add({5, 5, 7});
  std::vector<size_t> indexes;
  for (const QueuedItem& item : desk.queue.take(desk.limits, 0).batch) indexes.push_back(item.index);
  EXPECT_EQ(indexes, (std::vector<size_t>{2, 0, 1}));
}

TEST(BatchQueue, CountsItemsToo) {
  Desk desk;
  desk.limits.max_items = 2;
  desk.add({1, 1, 1});
  EXPECT_EQ(desk.take().size(), 2U);
  EXPECT_EQ(desk.take().size(), 1U);
}

TEST(BatchQueue, AnItemBeyondTheBudgetGoesAlone) {
  Desk desk;
  desk.add({500, 20});
  EXPECT_EQ(desk.take(), (Costs{500}));
  EXPECT_EQ(desk.take(), (Costs{20}));
  desk.limits = {.max_cost = 0, .max_items = 0};
  desk.add({3, 0, -4});
  EXPECT_EQ(desk.take(), (Costs{3})) << "senseless limits still let one go";
  EXPECT_EQ(desk.take(), (Costs{1})) << "what costs nothing counts as one";
  EXPECT_EQ(desk.take(), (Costs{1}));
}

TEST(BatchQueue, ReadyWhenFullOrWhenTheOldestHasWaited) {
  Desk desk;
  EXPECT_EQ(desk.queue.ready_at_ms(desk.limits), kNeverMs);
  desk.limits.max_wait_ms = 5;
  desk.now_ms = 100;
  desk.add({40});
  desk.now_ms = 103;
  desk.add({40});
  EXPECT_EQ(desk.queue.ready_at_ms(desk.limits), 105);
  desk.add({20});
  EXPECT_LT(desk.queue.ready_at_ms(desk.limits), 0) << "the budget is reached";
  (void)desk.take();
  for (int i = 0; i < 9; ++i) desk.add({1});
  EXPECT_EQ(desk.queue.ready_at_ms(desk.limits), 108);
  desk.add({1}, kBackground);
  EXPECT_LT(desk.queue.ready_at_ms(desk.limits), 0) << "ten items";
  (void)desk.take();
  desk.add({1});
  desk.limits.max_wait_ms = 0;
  EXPECT_LT(desk.queue.ready_at_ms(desk.limits), 0) << "at once";
}

TEST(BatchQueue, WaitsNoLongerThanHalfTheTimeThatIsLeft) {
  Desk desk;
  desk.limits.max_wait_ms = 50;
  desk.add({1})->deadline_ms = 20;
  EXPECT_EQ(desk.queue.ready_at_ms(desk.limits), 10);
}

TEST(BatchQueue, LooksAheadForWhatFits) {
  for (const auto& [look_ahead, first] : {std::pair<size_t, Costs>{3, {70, 20}}, {2, {70}}, {0, {70}}}) {
    Desk desk({.look_ahead = look_ahead});
    desk.add({70, 60, 55, 50, 20});
    EXPECT_EQ(desk.take(), first) << look_ahead;
    EXPECT_EQ(desk.take().at(0), 60) << "what was stepped over opens the next batch";
  }
}

TEST(BatchQueue, StepsOverNobodyWhoWaitedEnough) {
  Desk desk({.max_age_ms = 50});
  desk.add({70, 60, 20});
  desk.now_ms = 49;
  BatchQueue copy = desk.queue;
  EXPECT_EQ(desk.take(), (Costs{70, 20}));
  EXPECT_EQ(Desk::costs_of(copy.take(desk.limits, 50).batch), (Costs{70}));
}

TEST(BatchQueue, BetterPriorityFirst) {
  Desk desk;
  desk.add({90, 10}, kBackground);
  desk.add({30}, kInteractive);
  desk.add({40}, kInteractive);
  EXPECT_EQ(desk.take(), (Costs{40, 30, 10})) << "the rest of the batch is filled from the next priority";
  EXPECT_EQ(desk.take(), (Costs{90}));
}

TEST(BatchQueue, AgedItemsTakeTurnsWithBetterPriorities) {
  Desk desk({.max_age_ms = 50});
  desk.limits.max_items = 1;
  desk.add({1, 1, 1, 1}, kBackground);
  desk.now_ms = 60;
  desk.add({2, 2, 2, 2}, kInteractive);
  Costs order;
  for (int i = 0; i < 8; ++i) order.push_back(desk.take().at(0));
  EXPECT_EQ(order, (Costs{1, 2, 1, 2, 1, 2, 1, 2}));
}

TEST(BatchQueue, ASmallRequestDoesNotWaitForTheWholeOfALargeOne) {
  Desk desk;
  desk.add(Costs(100, 50));
  EXPECT_EQ(desk.take(), (Costs{50, 50}));
  desk.add({7});
  const Costs second = desk.take();
  EXPECT_NE(std::find(second.begin(), second.end(), 7), second.end());
}

TEST(BatchQueue, ALargeRequestIsServedBesideManySmallOnes) {
  Desk desk;
  desk.limits.max_items = 1;
  desk.add(Costs(4, 50));
  int n_large = 0;
  for (int i = 0; i < 100; ++i) {
    desk.add({10});  // always one waiting
    n_large += desk.take().at(0) == 50 ? 1 : 0;
  }
  EXPECT_EQ(n_large, 4);
}

TEST(BatchQueue, DropsTheDeadOnTheWay) {
  Desk desk;
  const CancelToken cancel;
  desk.add({60}, kInteractive, cancel);
  const auto expiring = desk.add({61});
  expiring->deadline_ms = 10;
  const auto abandoned = desk.add({62});
  desk.add({63});
  cancel.cancel();
  abandoned->abandoned = true;
  desk.now_ms = 10;
  const BatchQueue::Taken taken = desk.queue.take(desk.limits, desk.now_ms);
  EXPECT_EQ(Desk::costs_of(taken.batch), (Costs{63}));
  EXPECT_EQ(taken.dead.size(), 3U);
  EXPECT_TRUE(desk.queue.empty());
}

TEST(BatchQueue, EachPriorityHasItsOwnRoom) {
  Desk desk({.max_queued = 3});
  EXPECT_TRUE(desk.queue.has_room(kBackground, 50)) << "a large request comes in alone";
  desk.add(Costs(50, 1), kBackground);
  EXPECT_FALSE(desk.queue.has_room(kBackground, 1));
  EXPECT_TRUE(desk.queue.has_room(kInteractive, 1));
  const auto two = desk.add({1, 1});
  EXPECT_TRUE(desk.queue.has_room(kInteractive, 1));
  EXPECT_FALSE(desk.queue.has_room(kInteractive, 2));
  EXPECT_EQ(desk.queue.remove(*two).size(), 2U);
  EXPECT_EQ(desk.queue.cost(), 50);
}

// Random arrivals, deaths and batches: everything leaves once, within the limits, and in time.
class QueueModel {
 public:
  QueueModel()
      : options_{.max_age_ms = static_cast<double>(*rc::gen::inRange(1, 40)),
                 .look_ahead = *rc::gen::inRange<size_t>(0, 4)},
        queue_(options_) {}

  void arrive() {
    const auto costs = *rc::gen::container<Costs>(rc::gen::inRange<int64_t>(0, 40));
    const auto priority = *rc::gen::element(kInteractive, kBackground);
    const CancelToken cancel;
    auto request = std::make_shared<TestRequest>(BatchCall{.priority = priority}, cancel, costs.size());
    if (*rc::gen::inRange(0, 5) == 0) request->deadline_ms = now_ms_ + *rc::gen::inRange(1, 30);
    queue_.add(request, costs, now_ms_);
    n_in_ += costs.size();
    if (*rc::gen::inRange(0, 5) == 0) cancel.cancel();
  }

  void take() {
    const BatchLimits limits{.max_cost = *rc::gen::inRange<int64_t>(1, 60),
                             .max_items = *rc::gen::inRange<size_t>(1, 9)};
    const BatchQueue::Taken taken = queue_.take(limits, now_ms_);
    RC_ASSERT(!taken.batch.empty() || queue_.empty());
    int64_t cost = 0;
    int64_t last = INT64_MAX;
    for (const QueuedItem& item : taken.batch) {
      RC_ASSERT(item.request->state(now_ms_) == BatchRequest::State::kAlive);
      RC_ASSERT(item.cost <= last);
      last = item.cost;
      cost += item.cost;
      leave(item);
    }
    RC_ASSERT(taken.batch.size() <= limits.max_items);
    RC_ASSERT(taken.batch.size() <= 1U || cost <= limits.max_cost);
    for (const QueuedItem& item : taken.dead) {
      RC_ASSERT(item.request->state(now_ms_) != BatchRequest::State::kAlive);
      leave(item);
    }
    now_ms_ += 1;
  }

  void drain() {
    while (!queue_.empty()) take();
    RC_ASSERT(n_out_ == n_in_);
    RC_ASSERT(queue_.cost() == 0);
  }

 private:
  void leave(const QueuedItem& item) {
    const bool first = seen_.emplace(item.request, item.index).second;
    RC_ASSERT(first);
    ++n_out_;
  }

  BatchQueueOptions options_;
  BatchQueue queue_;
  double now_ms_ = 0;
  size_t n_in_ = 0, n_out_ = 0;
  std::set<std::pair<std::shared_ptr<BatchRequest>, size_t>> seen_;
};

TEST(BatchQueueProperties, EverythingLeavesOnceWithinTheLimits) {
  EXPECT_TRUE(rc::check("random arrivals", [] {
    QueueModel model;
    for (const bool arrives : *rc::gen::container<std::vector<bool>>(rc::gen::arbitrary<bool>())) {
      if (arrives) {
        model.arrive();
      } else {
        model.take();
      }
    }
    model.drain();
  }));
}

TEST(BatchQueueProperties, NothingStarvesUnderALoadOfBetterPriority) {
  EXPECT_TRUE(rc::check("age bound", [] {
    const auto max_age_ms = static_cast<double>(*rc::gen::inRange(1, 20));
    BatchQueue queue({.max_age_ms = max_age_ms, .look_ahead = *rc::gen::inRange<size_t>(0, 4)});
    const BatchLimits limits{.max_cost = 10, .max_items = 4};
    const auto costs = *rc::gen::nonEmpty(rc::gen::container<Costs>(rc::gen::inRange<int64_t>(1, 15)));
    const auto request = std::make_shared<TestRequest>(BatchCall{.priority = kBackground}, CancelToken(), costs.size());
    queue.add(request, costs, 0);
    const auto enough = static_cast<size_t>(max_age_ms) + 2 * costs.size();
    size_t n_served = 0;
    for (size_t batch = 0; batch <= enough; ++batch) {
      const auto now_ms = static_cast<double>(batch);
      const Costs load(4, 5);  // more than a batch holds, each time
      queue.add(std::make_shared<TestRequest>(BatchCall{}, CancelToken(), load.size()), load, now_ms);
      for (const QueuedItem& item : queue.take(limits, now_ms).batch) n_served += item.request == request ? 1 : 0;
    }
    RC_ASSERT(n_served == costs.size());
  }));
}

}  // namespace
}  // namespace docmind::engine
