// SchedulerQueue: priorities, ageing, tenants in turn, and what was running before.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/scheduler_queue.h"
#include "support/fake_decoder.h"

namespace docmind::engine {
namespace {

using std::chrono::milliseconds;

class Queue : public testing::Test {
 protected:
  ScheduledText* push(Priority priority, const std::string& tenant = "") {
    TextRequest request;
    request.priority = priority;
    request.tenant = tenant;
    auto text = std::make_unique<ScheduledText>(std::move(request), std::make_shared<StreamState>(), *tokenizer_, now);
    text->id = n_pushed_++;
    text->waiting_since = now;
    ScheduledText* pushed = text.get();
    queue.push(std::move(text));
    return pushed;
  }
  // The ids in the order in which they are taken.
  std::vector<int64_t> take_all() {
    std::vector<int64_t> ids;
    while (!queue.empty()) ids.push_back(queue.pop(queue.front(now))->id);
    return ids;
  }
  SteadyTime now{std::chrono::hours(1)};
  SchedulerQueue queue{1'000};

 private:
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_ = test::fake_tokenizer();
  int64_t n_pushed_ = 0;
};

TEST_F(Queue, PriorityComesBeforeArrival) {
  push(Priority::kBackground);
  push(Priority::kNormal);
  push(Priority::kInteractive);
  push(Priority::kNormal);
  EXPECT_EQ(take_all(), (std::vector<int64_t>{2, 1, 3, 0}));
}

TEST_F(Queue, WaitingRaisesThePriority) {
  push(Priority::kBackground);
  now += milliseconds(1'500);
  push(Priority::kNormal);
  EXPECT_EQ(queue.front(now)->id, 0) << "as normal as the other, and earlier";
  push(Priority::kInteractive);
  EXPECT_EQ(queue.front(now)->id, 2);
  now += milliseconds(600);
  push(Priority::kInteractive);
  EXPECT_EQ(take_all(), (std::vector<int64_t>{0, 2, 3, 1}));
}

TEST_F(Queue, NobodyIsStarvedByAStreamOfMoreUrgentRequests) {
  push(Priority::kBackground);
  int n_before = 0;
  for (; n_before < 1'000; ++n_before) {
    push(Priority::kInteractive);
    now += milliseconds(100);
    if (queue.pop(queue.front(now))->id == 0) break;
  }
  EXPECT_LT(n_before, 25);
}

TEST_F(Queue, TenantsTakeTurns) {
  for (int i = 0; i < 4; ++i) push(Priority::kNormal, "busy");
  push(Priority::kNormal, "quiet");
  push(Priority::kNormal, "other");
  EXPECT_EQ(take_all(), (std::vector<int64_t>{0, 4, 5, 1, 2, 3}));
  push(Priority::kNormal, "busy");
  push(Priority::kNormal, "quiet");
  EXPECT_EQ(take_all(), (std::vector<int64_t>{7, 6})) << "busy was served last";
}

TEST_F(Queue, WhatWasRunningIsFirstInItsPriority) {
  push(Priority::kNormal);
  push(Priority::kInteractive);
  push(Priority::kNormal)->admission = 8;
  push(Priority::kNormal)->admission = 3;
  EXPECT_EQ(queue.n_returning(), 2);
  EXPECT_EQ(take_all(), (std::vector<int64_t>{1, 3, 2, 0}));
}

TEST_F(Queue, TheDeadAreTakenOut) {
  push(Priority::kNormal)->request.cancel.cancel();
  push(Priority::kNormal);
  push(Priority::kNormal)->stream->cancelled.cancel();
  const auto dead = queue.take_if([](const ScheduledText& text) { return text.cancelled(); });
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_EQ(dead[0]->id, 0);
  EXPECT_EQ(dead[1]->id, 2);
  EXPECT_EQ(take_all(), (std::vector<int64_t>{1}));
}

}  // namespace
}  // namespace docmind::engine
