// BatchProcessor: when batches go, who gets which answer, what is dropped, how it ends.
// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_processor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "engine/batch_test_support.h"

namespace docmind::engine {
namespace {

using Processor = BatchProcessor<int, int>;
using Batch = std::vector<int>;
constexpr int kPoison = 666;  // its batch fails as a whole
constexpr int kHeld = 1000;   // its batch stops at the gate

// Doubles numbers; negative ones are errors. Costs are the numbers.
class Doubler {
 public:
  explicit Doubler(BatchOptions options = {}) {
    options.now_ms = [this] { return now_ms.load(); };
    processor = std::make_unique<Processor>([this](std::span<const int> items) { return process(items); },
                                            [](int item) { return std::abs(item); }, options);
  }
  ~Doubler() {
    gate.open();
    processor.reset();
  }

  // A batch of one item is inside `process` when this returns, and stays there.
  Processor::Ticket hold() {
    Processor::Ticket ticket = submit({kHeld});
    gate.wait_inside();
    return ticket;
  }
  Processor::Ticket submit(Batch items, const BatchCall& call = {}, const CancelToken& cancel = {}) {
    auto ticket = processor->submit(std::move(items), cancel, call);
    EXPECT_TRUE(ticket.ok()) << ticket.error().message;
    return *std::move(ticket);
  }
  void turn_clock_to(double ms) {
    now_ms = ms;
    processor->set_limits(processor->limits());  // makes the threads look at the clock
  }
  std::vector<Batch> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

  std::atomic<double> now_ms{0};
  Gate gate;
  std::unique_ptr<Processor> processor;

 private:
  Result<Processor::Answers> process(std::span<const int> items) {
    {
      const std::lock_guard lock(mutex_);
      batches_.emplace_back(items.begin(), items.end());
    }
    if (items[0] == kHeld) gate.pass();
    Processor::Answers answers;
    for (const int item : items) {
      if (item == kPoison) return Error{ErrorCode::kMalformed, "poison"};
      if (item < 0) {
        answers.push_back(Error{ErrorCode::kInvalidArgument, std::to_string(item) + " is negative"});
      } else {
        answers.push_back(2 * item);
      }
    }
    return answers;
  }

  mutable std::mutex mutex_;
  std::vector<Batch> batches_;
};

BatchOptions limits(BatchLimits limits) { return {.limits = limits, .queue = {}}; }

// "2 4 error" of answers.
std::string text_of(const Processor::Answers& answers) {
  std::string text;
  for (const auto& answer : answers) {
    if (!text.empty()) text += " ";
    text += answer.ok() ? std::to_string(*answer) : std::string(error_code_name(answer.error().code));
  }
  return text;
}

TEST(BatchProcessor, AnswersInTheOrderOfTheRequest) {
  Doubler doubler;
  auto answers = doubler.processor->run({3, 1, -5, 2}, {});
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(text_of(*answers), "6 2 invalid_argument 4");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{-5, 3, 2, 1}}));
  EXPECT_EQ(*doubler.processor->run_one(7, {}), 14);
  EXPECT_EQ(doubler.processor->run_one(-7, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(doubler.processor->run({}, {})->empty());
  EXPECT_TRUE(doubler.submit({}).wait().empty());
}

TEST(BatchProcessor, ACallerAloneProcessesOnItsOwnThread) {
  std::thread::id ran_on;
  BatchProcessor<int, int> processor([&](std::span<const int> items) -> Result<std::vector<Result<int>>> {
    ran_on = std::this_thread::get_id();
    return std::vector<Result<int>>(items.begin(), items.end());
  }, [](int) { return 1; });
  ASSERT_TRUE(processor.run_one(1, {}).ok());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(BatchProcessor, BatchesGrowWhileOneRuns) {
  Doubler doubler;
  auto held = doubler.hold();
  std::vector<Processor::Ticket> tickets;
  for (int i = 1; i <= 5; ++i) tickets.push_back(doubler.submit({i}));
  EXPECT_EQ(doubler.processor->stats().n_queued, 5U);
  EXPECT_FALSE(tickets[0].ready());
  doubler.gate.open();
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(text_of(tickets[static_cast<size_t>(i - 1)].wait()), std::to_string(2 * i));
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kHeld}, {5, 4, 3, 2, 1}}));
}

TEST(BatchProcessor, WaitsUntilABatchIsFull) {
  Doubler doubler(limits({.max_cost = 100, .max_items = 3, .max_wait_ms = 1e9}));
  auto first = doubler.submit({1});
  auto second = doubler.submit({2});
  EXPECT_TRUE(doubler.batches().empty());
  auto third = doubler.submit({3});
  EXPECT_EQ(text_of(first.wait()), "2");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{3, 2, 1}}));
  auto dear = doubler.submit({100});
  EXPECT_EQ(text_of(dear.wait()), "200") << "the budget is reached";
}

TEST(BatchProcessor, WaitsNoLongerThanItShould) {
  Doubler doubler(limits({.max_cost = 100, .max_items = 3, .max_wait_ms = 50}));
  auto first = doubler.submit({1});
  doubler.turn_clock_to(49);
  EXPECT_TRUE(doubler.batches().empty());
  doubler.turn_clock_to(50);
  EXPECT_EQ(text_of(first.wait()), "2");
  EXPECT_EQ(doubler.processor->stats().wait_ms.max, 50);
}

TEST(BatchProcessor, LimitsChangeWhileItemsWait) {
  Doubler doubler(limits({.max_cost = 100, .max_items = 2}));
  auto held = doubler.hold();
  auto ticket = doubler.submit({10, 10, 10, 10, 10, 10});
  doubler.processor->set_limits({.max_cost = 100, .max_items = 4});
  doubler.gate.open();
  (void)ticket.wait();
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kHeld}, {10, 10, 10, 10}, {10, 10}}));
  doubler.processor->set_limits({.max_cost = 20, .max_items = 4});
  (void)doubler.processor->run({10, 10, 10}, {});
  EXPECT_EQ(doubler.batches().back(), (Batch{10}));
  EXPECT_EQ(doubler.processor->limits().max_cost, 20);
}

TEST(BatchProcessor, ManyCallersShareBatches) {
  Doubler doubler;
  auto held = doubler.hold();
  std::vector<std::thread> callers;
  for (int i = 1; i <= 8; ++i) {
    callers.emplace_back([&doubler, i] { EXPECT_EQ(*doubler.processor->run_one(i, {}), 2 * i); });
  }
  wait_until([&] { return doubler.processor->stats().n_queued == 8; });
  doubler.gate.open();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(doubler.batches().size(), 2U);
}

TEST(BatchProcessor, CallsBackOnce) {
  Doubler doubler;
  std::promise<std::string> called;
  ASSERT_TRUE(doubler.processor->submit({3, -1, 4}, [&](Processor::Answers answers) {
    called.set_value(text_of(answers));
  }, CancelToken()).ok());
  EXPECT_EQ(called.get_future().get(), "6 invalid_argument 8");
  std::promise<size_t> empty;
  ASSERT_TRUE(doubler.processor->submit({}, [&](Processor::Answers answers) { empty.set_value(answers.size()); },
                                        CancelToken()).ok());
  EXPECT_EQ(empty.get_future().get(), 0U);
}

TEST(BatchProcessor, ACallbackMayHandInMore) {
  Doubler doubler;
  std::promise<int> called;
  ASSERT_TRUE(doubler.processor->submit({3}, [&](Processor::Answers answers) {
    called.set_value(*doubler.processor->run_one(*answers[0], {}));
  }, CancelToken()).ok());
  EXPECT_EQ(called.get_future().get(), 12);
}

TEST(BatchProcessor, APoisonedItemFailsAlone) {
  Doubler doubler(limits({.max_cost = 10'000}));
  EXPECT_EQ(text_of(*doubler.processor->run({1, kPoison, 2}, {})), "2 malformed 4");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kPoison, 2, 1}, {kPoison}, {2}, {1}}));
  EXPECT_EQ(text_of(*doubler.processor->run({kPoison}, {})), "malformed");
  const BatchStats stats = doubler.processor->stats();
  EXPECT_EQ(stats.n_retried, 1U) << "one item alone is not tried again";
  EXPECT_EQ(stats.n_failed, 2U);
  EXPECT_EQ(stats.n_items, 4U);
}

TEST(BatchProcessor, WhatTheFunctionThrowsOrForgetsIsAnError) {
  BatchProcessor<int, int> processor([](std::span<const int> items) -> Result<std::vector<Result<int>>> {
    if (items[0] == 3) throw std::runtime_error("three");
    if (items[0] == 2) return std::vector<Result<int>>();
    if (items[0] == 1) throw std::bad_alloc();
    return std::vector<Result<int>>(items.begin(), items.end());
  }, [](int item) { return item; });
  auto answers = processor.run({0, 1, 2, 3}, {});
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(text_of(*answers), "0 limit internal internal");
  EXPECT_NE((*answers)[3].error().message.find("three"), std::string::npos);
}

TEST(BatchProcessor, CancelledItemsCostNothing) {
  Doubler doubler;
  auto held = doubler.hold();
  const CancelToken cancel;
  auto cancelled = doubler.submit({1, 2}, {}, cancel);
  auto alive = doubler.submit({3});
  cancel.cancel();
  EXPECT_EQ(text_of(cancelled.wait()), "cancelled cancelled") << "at once, though a batch runs";
  doubler.gate.open();
  EXPECT_EQ(text_of(alive.wait()), "6");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kHeld}, {3}}));
  EXPECT_EQ(doubler.processor->stats().n_cancelled, 2U);
}

TEST(BatchProcessor, ACallbackOfACancelledRequestGetsItsError) {
  Doubler doubler;
  auto held = doubler.hold();
  const CancelToken cancel;
  std::promise<std::string> called;
  ASSERT_TRUE(doubler.processor->submit({1}, [&](Processor::Answers answers) {
    called.set_value(text_of(answers));
  }, cancel).ok());
  cancel.cancel();
  doubler.gate.open();
  EXPECT_EQ(called.get_future().get(), "cancelled");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kHeld}}));
}

TEST(BatchProcessor, ACallerThatIsCancelledLeavesTheRunningBatch) {
  Doubler doubler;
  const CancelToken cancel;
  auto running = doubler.submit({kHeld, 1}, {}, cancel);  // dear: alone in its batch
  doubler.gate.wait_inside();
  cancel.cancel();
  EXPECT_EQ(text_of(running.wait()), "cancelled cancelled");
  doubler.gate.open();
}

TEST(BatchProcessor, WhatPassedItsDeadlineCostsNothing) {
  Doubler doubler;
  auto held = doubler.hold();
  auto late = doubler.submit({1}, {.timeout_ms = 10});
  auto in_time = doubler.submit({2}, {.timeout_ms = 100});
  doubler.now_ms = 10;
  const auto answers = late.wait();
  EXPECT_EQ(text_of(answers), "limit");
  EXPECT_NE(answers[0].error().message.find("10 ms"), std::string::npos);
  doubler.gate.open();
  EXPECT_EQ(text_of(in_time.wait()), "4");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kHeld}, {2}}));
  EXPECT_EQ(doubler.processor->stats().n_expired, 1U);
}

TEST(BatchProcessor, ADroppedTicketCostsNothing) {
  Doubler doubler;
  auto held = doubler.hold();
  { auto dropped = doubler.submit({1, 2, 3}); }
  EXPECT_EQ(doubler.processor->stats().n_queued, 0U);
  auto replaced = doubler.submit({4});
  replaced = doubler.submit({5});
  doubler.gate.open();
  EXPECT_EQ(text_of(replaced.wait()), "10");
  EXPECT_EQ(doubler.batches(), (std::vector<Batch>{{kHeld}, {5}}));
}

TEST(BatchProcessor, AFullQueueRefusesAtOnce) {
  Doubler doubler({.limits = {}, .queue = {.max_queued = 2}});
  auto held = doubler.hold();
  auto two = doubler.submit({1, 2});
  const Error refused = doubler.processor->run_one(3, {}).error();
  EXPECT_EQ(refused.code, ErrorCode::kBusy);
  EXPECT_NE(refused.message.find("2 items wait"), std::string::npos) << refused.message;
  EXPECT_GT(doubler.processor->retry_after_ms(), 0);
  auto document = doubler.submit({4}, {.priority = BatchPriority::kBackground});
  EXPECT_EQ(doubler.processor->stats().n_refused, 1U);
  doubler.gate.open();
  (void)two.wait();
  (void)document.wait();
  EXPECT_TRUE(doubler.processor->run_one(3, {}).ok());
}

TEST(BatchProcessor, TheDeadMakeRoom) {
  Doubler doubler({.limits = {}, .queue = {.max_queued = 2}});
  auto held = doubler.hold();
  const CancelToken cancel;
  std::promise<std::string> called;
  ASSERT_TRUE(doubler.processor->submit({1, 2}, [&](Processor::Answers answers) {
    called.set_value(text_of(answers));
  }, cancel).ok());
  cancel.cancel();
  auto next = doubler.submit({3});
  EXPECT_EQ(called.get_future().get(), "cancelled cancelled");
  doubler.gate.open();
  EXPECT_EQ(text_of(next.wait()), "6");
}

TEST(BatchProcessor, ACallerMayWaitForRoom) {
  Doubler doubler({.limits = {}, .queue = {.max_queued = 1}});
  auto held = doubler.hold();
  auto first = doubler.submit({1});
  std::atomic<bool> done = false;
  std::thread patient([&] {
    EXPECT_EQ(*doubler.processor->run_one(2, {}, {.wait_for_room = true}), 4);
    done = true;
  });
  std::thread cancelled([&] {
    const CancelToken cancel;
    cancel.cancel();
    EXPECT_EQ(doubler.processor->run_one(3, cancel, {.wait_for_room = true}).error().code, ErrorCode::kCancelled);
  });
  cancelled.join();
  EXPECT_FALSE(done);
  doubler.gate.open();
  patient.join();
  EXPECT_EQ(doubler.processor->stats().n_refused, 0U);
}

TEST(BatchProcessor, TheHintFollowsTheSpeedOfBatches) {
  Doubler doubler;
  auto held = doubler.hold();
  doubler.now_ms = 500;  // the batch of cost 1,000 took half a second
  doubler.gate.open();
  (void)held.wait();
  doubler.gate.close();
  auto again = doubler.hold();
  auto waiting = doubler.submit({400});
  EXPECT_EQ(doubler.processor->retry_after_ms(), 200);
}

TEST(BatchProcessor, QuestionsGoBeforeDocuments) {
  Doubler doubler(limits({.max_cost = 50, .max_items = 2}));
  auto held = doubler.hold();
  auto documents = doubler.submit({20, 20, 20, 20}, {.priority = BatchPriority::kBackground});
  auto question = doubler.submit({7});
  doubler.gate.open();
  (void)documents.wait();
  EXPECT_EQ(doubler.batches()[1], (Batch{20, 7}));
}

TEST(BatchProcessor, StopEndsWhatWaitsAndFinishesWhatRuns) {
  Doubler doubler;
  auto running = doubler.hold();
  auto waiting = doubler.submit({1});
  std::promise<std::string> called;
  ASSERT_TRUE(doubler.processor->submit({2}, [&](Processor::Answers answers) {
    called.set_value(text_of(answers));
  }, CancelToken()).ok());
  std::thread caller([&] {
    EXPECT_EQ(text_of(*doubler.processor->run({3, 4}, {})), "cancelled cancelled");
  });
  wait_until([&] { return doubler.processor->stats().n_queued == 4; });
  std::thread stopping([&] { doubler.processor->stop(); });
  EXPECT_EQ(text_of(waiting.wait()), "cancelled");
  EXPECT_EQ(called.get_future().get(), "cancelled");
  caller.join();
  doubler.gate.open();
  stopping.join();
  EXPECT_EQ(text_of(running.wait()), "2000");
  EXPECT_EQ(doubler.processor->run_one(1, {}).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(doubler.batches().size(), 1U);
}

TEST(BatchProcessor, TicketsOutliveIt) {
  auto doubler = std::make_unique<Doubler>(limits({.max_cost = 100, .max_wait_ms = 1e9}));
  auto waiting = doubler->submit({1});
  auto dropped = std::make_unique<Processor::Ticket>(doubler->submit({2}));
  doubler->processor.reset();
  EXPECT_TRUE(waiting.ready());
  EXPECT_EQ(text_of(waiting.wait()), "cancelled");
  dropped.reset();
}

// What one caller does in a random order of ways; every answer must be right.
class RandomCaller {
 public:
  RandomCaller(Doubler& doubler, unsigned seed) : doubler_(doubler), random_(seed) {}

  void call() {
    Batch items;
    for (size_t n = random_() % 5; n > 0; --n) items.push_back(random_() % 40 == 0 ? kPoison : pick(60) - 5);
    const BatchCall how{.priority = random_() % 2 == 0 ? BatchPriority::kInteractive : BatchPriority::kBackground,
                        .wait_for_room = true};
    const CancelToken cancel;
    if (random_() % 4 == 0) doubler_.processor->set_limits({.max_cost = pick(100), .max_items = 1 + random_() % 8});
    switch (random_() % 5) {
      case 0: return check(items, *doubler_.processor->run(items, {}, how));
      case 1: return (void)doubler_.submit(items, how);  // dropped
      case 2: return called_back(items, how);
      case 3: {
        auto ticket = doubler_.submit(items, how, cancel);
        if (random_() % 2 == 0) cancel.cancel();
        return check(items, ticket.wait(), true);
      }
      default: return check(items, doubler_.submit(items, how).wait());
    }
  }

 private:
  int pick(unsigned n) { return static_cast<int>(random_() % n); }

  void called_back(const Batch& items, const BatchCall& how) {
    std::promise<Processor::Answers> called;
    ASSERT_TRUE(doubler_.processor->submit(items, [&](Processor::Answers answers) {
      called.set_value(std::move(answers));
    }, CancelToken(), how).ok());
    check(items, called.get_future().get());
  }

  static void check(const Batch& items, const Processor::Answers& answers, bool may_be_cancelled = false) {
    ASSERT_EQ(answers.size(), items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      if (answers[i].ok()) {
        EXPECT_EQ(*answers[i], 2 * items[i]);
      } else if (!may_be_cancelled || answers[i].error().code != ErrorCode::kCancelled) {
        EXPECT_TRUE(items[i] < 0 || items[i] == kPoison) << items[i] << ": " << answers[i].error().message;
      }
    }
  }

  Doubler& doubler_;
  std::mt19937 random_;
};

TEST(BatchProcessor, EveryAnswerIsRightUnderLoad) {
  Doubler doubler({.limits = {}, .queue = {.max_queued = 12, .max_age_ms = 1}});
  std::vector<std::thread> callers;
  for (unsigned seed = 0; seed < 6; ++seed) {
    callers.emplace_back([&doubler, seed] {
      RandomCaller caller(doubler, seed);
      for (int i = 0; i < 200; ++i) caller.call();
    });
  }
  for (std::thread& caller : callers) caller.join();
  const BatchStats stats = doubler.processor->stats();
  EXPECT_EQ(stats.n_queued, 0U);
  EXPECT_EQ(stats.n_refused, 0U);
}

TEST(BatchProcessor, CountsWhatItDid) {
  Doubler doubler(limits({.max_cost = 10, .max_items = 4}));
  (void)doubler.processor->run({4, 4, -2, 20}, {});
  const BatchStats stats = doubler.processor->stats();
  EXPECT_EQ(stats.n_requests, 1U);
  EXPECT_EQ(stats.n_batches, 2U);
  EXPECT_EQ(stats.n_items, 4U);
  EXPECT_EQ(stats.n_failed, 1U);
  EXPECT_EQ(stats.cost, 30);
  EXPECT_EQ(stats.batch_items.max, 3);
  EXPECT_EQ(stats.batch_items.mean, 2);
  EXPECT_EQ(stats.batch_cost.max, 20);
  EXPECT_EQ(stats.fill.min, 1);
  EXPECT_EQ(stats.fill.max, 2) << "one item beyond the budget";
  EXPECT_EQ(stats.wait_ms.count, 4U);
  EXPECT_EQ(stats.run_ms.count, 2U);
  EXPECT_EQ(stats.limits.max_cost, 10);
}

}  // namespace
}  // namespace docmind::engine
