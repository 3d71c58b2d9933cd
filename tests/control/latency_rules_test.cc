// Rules of latency: admission by the measured rate, and optional work given up and taken back.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "control_input.h"

namespace docmind::control {
namespace {

// Eight run, as in the whole minute before, and `n_queued` wait.
ControlInput loaded(int64_t now_ms, int64_t n_queued, double service_ms) {
  ControlInput in = calm_input(now_ms, 0.3);
  in.n_queued = n_queued;
  in.n_running = 8;
  in.service_ms = service_ms;
  in.n_answered = static_cast<int64_t>(8 * 60'000 / service_ms);
  in.p95_ms = service_ms;
  in.rerank_ms = 500;
  in.prefill_ms = 400;
  return in;
}

TEST(Admission, LetsWaitWhatCanBeAnsweredInAFewTargets) {
  Controller controller = make_controller();
  std::vector<Decision> decisions;
  controller.step(loaded(0, 30, 2'000), &decisions);  // 8 in 2 s: 36 in three targets of 3 s
  EXPECT_EQ(controller.setpoints().max_queued, 36);
  const Decision* decision = decision_of(decisions, "max_queued");
  ASSERT_NE(decision, nullptr);
  EXPECT_EQ(decision->cause, "30 questions wait and 4.00 a second are answered, 36 in the 9 s that are worth waiting");
  EXPECT_EQ(decision->from, "256");
}

TEST(Admission, LeavesTheLimitAloneWhileTheQueueIsShortOfIt) {
  Controller controller = make_controller();
  for (int second = 0; second < 60; ++second) controller.step(loaded(second * 1'000, 3, 2'000), nullptr);
  EXPECT_EQ(controller.setpoints().max_queued, 256);
}

TEST(Admission, RisesWithTheRate) {
  Controller controller = make_controller();
  controller.step(loaded(0, 30, 2'000), nullptr);
  ASSERT_EQ(controller.setpoints().max_queued, 36);
  for (int second = 1; second < 60; ++second) controller.step(loaded(second * 1'000, 36, 1'000), nullptr);
  EXPECT_GT(controller.setpoints().max_queued, 54);
  EXPECT_LE(controller.setpoints().max_queued, 72);
}

TEST(Admission, IsLiftedWhenNothingWaitsForLong) {
  Controller controller = make_controller();
  controller.step(loaded(0, 30, 2'000), nullptr);
  ControlInput in = loaded(0, 0, 800);
  in.n_running = 1;
  in.n_answered = 10;
  for (in.now_ms = 1'000; in.now_ms < 60'000; in.now_ms += 1'000) controller.step(in, nullptr);
  EXPECT_EQ(controller.setpoints().max_queued, 36);
  for (; in.now_ms < 70'000; in.now_ms += 1'000) controller.step(in, nullptr);
  EXPECT_EQ(controller.setpoints().max_queued, 256);
}

TEST(Shedding, GivesUpFirstWhatCostsMost) {
  Controller rerank_first = make_controller();
  std::vector<Decision> decisions;
  rerank_first.step(loaded(0, 6, 1'500), &decisions);
  EXPECT_EQ(rerank_first.setpoints().rerank_depth, 20);
  EXPECT_EQ(rerank_first.setpoints().context_passages, 6);
  ASSERT_NE(decision_of(decisions, "rerank_depth"), nullptr);
  EXPECT_EQ(decision_of(decisions, "rerank_depth")->cause,
            "a question that comes now would take 2.6 s beside 14 others, the target is 3.0 s");
  EXPECT_EQ(decision_of(decisions, "rerank_depth")->effect,
            "20 passages are reranked for a question, which costs less time (before: 40)");

  Controller context_first = make_controller();
  ControlInput in = loaded(0, 6, 1'500);
  in.prefill_ms = 900;
  context_first.step(in, nullptr);
  EXPECT_EQ(context_first.setpoints().rerank_depth, 40);
  EXPECT_EQ(context_first.setpoints().context_passages, 4);
}

TEST(Shedding, TakesAllStepsAtOnceWhenTheTargetIsMissedByFar) {
  Controller controller = make_controller();
  const Setpoints& now = controller.step(loaded(0, 50, 1'500), nullptr);  // 10.9 s
  EXPECT_EQ(now.rerank_depth, 10);
  EXPECT_EQ(now.context_passages, 2);
}

TEST(Shedding, OverlooksACrowdOfASecond) {
  Controller controller = make_controller();
  ControlInput in = loaded(0, 0, 1'000);
  for (in.now_ms = 0; in.now_ms < 20'000; in.now_ms += 1'000) {
    in.n_queued = in.now_ms == 10'000 ? 20 : 0;  // 3.5 s, if it lasted
    controller.step(in, nullptr);
  }
  EXPECT_EQ(controller.setpoints(), Setpoints{});
  for (; in.now_ms < 25'000; in.now_ms += 1'000) {
    in.n_queued = 20;
    controller.step(in, nullptr);
  }
  EXPECT_LT(controller.setpoints().rerank_depth, 40);
}

TEST(Shedding, KeepsTheLeastOfBoth) {
  Controller controller = make_controller();
  for (int second = 0; second < 60; ++second) controller.step(loaded(second * 1'000, 30, 2'000), nullptr);
  EXPECT_EQ(controller.setpoints().rerank_depth, 10);
  EXPECT_EQ(controller.setpoints().context_passages, 2);
}

TEST(Shedding, ActsOnASlowP95OnceAWindow) {
  Controller controller = make_controller();
  ControlInput in = loaded(0, 0, 2'600);
  for (in.now_ms = 0; in.now_ms < 59'000; in.now_ms += 1'000) controller.step(in, nullptr);
  EXPECT_EQ(controller.setpoints().rerank_depth, 20);
  in.now_ms = 60'000;
  controller.step(in, nullptr);
  EXPECT_EQ(controller.setpoints().rerank_depth, 10);
}

TEST(Shedding, TakesBackStepByStepInReverse) {
  Controller controller = make_controller();
  for (int second = 0; second < 60; ++second) controller.step(loaded(second * 1'000, 30, 2'000), nullptr);
  ControlInput in = calm_input(0, 0.3);
  int64_t changes = 0;
  Setpoints last = controller.setpoints();
  std::vector<Decision> decisions;
  for (in.now_ms = 60'000; in.now_ms < 200'000; in.now_ms += 1'000) {
    controller.step(in, &decisions);
    if (controller.setpoints().rerank_depth != last.rerank_depth) ++changes;
    if (controller.setpoints().context_passages != last.context_passages) ++changes;
    EXPECT_GE(controller.setpoints().rerank_depth, last.rerank_depth);
    EXPECT_GE(controller.setpoints().context_passages, last.context_passages);
    last = controller.setpoints();
  }
  EXPECT_EQ(last.rerank_depth, 40);
  EXPECT_EQ(last.context_passages, 6);
  EXPECT_EQ(changes, 4);  // 10 to 20 to 40 and 2 to 4 to 6, never two at once
}

}  // namespace
}  // namespace docmind::control
