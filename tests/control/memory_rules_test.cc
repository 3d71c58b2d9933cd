// Rules of memory: batches, level and KV format, and the size of the cache.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "control_input.h"

namespace docmind::control {
namespace {

TEST(Batches, AreHalvedAboveTheHighMarkWithTheReasonInWords) {
  Controller controller = make_controller();
  std::vector<Decision> decisions;
  const Setpoints& now = controller.step(calm_input(0, 11.0 / 12), &decisions);
  EXPECT_EQ(now.max_sequences, 4);
  EXPECT_EQ(now.prefill_tokens, 256);
  EXPECT_EQ(now.embed_batch_tokens, 4'096);
  EXPECT_EQ(now.rerank_batch_tokens, 4'096);
  const Decision* decision = decision_of(decisions, "max_sequences");
  ASSERT_NE(decision, nullptr);
  EXPECT_EQ(decision->from, "8");
  EXPECT_EQ(decision->to, "4");
  EXPECT_EQ(decision->cause, "memory budget is 92% used (11.0 of 12.0 GiB)");
  EXPECT_EQ(decision->effect, "at most 4 texts are generated together (before: 8)");
  EXPECT_EQ(decision->unix_ms, 1'700'000'000'000);
}

TEST(Batches, StayAtTheMarkAndBetweenTheMarks) {
  Controller controller = make_controller();
  for (const double share : {0.8, 0.65, 0.5, 0.1}) {
    EXPECT_EQ(controller.step(calm_input(0, share), nullptr).max_sequences, 8) << share;
  }
}

TEST(Batches, NameTheMemoryThatIsShort) {
  Controller controller = make_controller();
  ControlInput in = calm_input(0, 0.85);
  in.memory_name = "GPU memory";
  std::vector<Decision> decisions;
  controller.step(in, &decisions);
  ASSERT_NE(decision_of(decisions, "prefill_tokens"), nullptr);
  EXPECT_EQ(decision_of(decisions, "prefill_tokens")->cause, "GPU memory is 85% used (10.2 of 12.0 GiB)");
}

TEST(Batches, GoDownToTheirLeastAndNoFurther) {
  Controller controller = make_controller();
  for (int second = 0; second < 300; ++second) controller.step(calm_input(second * 1'000, 0.97), nullptr);
  EXPECT_EQ(controller.setpoints().max_sequences, 1);
  EXPECT_EQ(controller.setpoints().prefill_tokens, 64);
  EXPECT_EQ(controller.setpoints().embed_batch_tokens, 64);
  EXPECT_EQ(controller.setpoints().rerank_batch_tokens, 64);
}

TEST(Batches, AreNotHalvedAgainWhenItDidNotHelp) {
  Controller controller = make_controller();
  for (int second = 0; second < 300; ++second) controller.step(calm_input(second * 1'000, 0.85), nullptr);
  EXPECT_EQ(controller.setpoints().max_sequences, 4);
  controller.step(calm_input(301'000, 0.88), nullptr);  // but when memory grows all the same
  EXPECT_EQ(controller.setpoints().max_sequences, 2);
}

TEST(Batches, AreHalvedUntilTheLimitIsFelt) {
  Controller controller = make_controller();
  ControlInput in = calm_input(0, 0.85);
  in.n_running = 3;
  EXPECT_EQ(controller.step(in, nullptr).max_sequences, 2);
  EXPECT_EQ(controller.setpoints().prefill_tokens, 256);  // which has another reason to be what it is
}

TEST(Batches, WaitUntilTheLastHalvingHasTakenEffect) {
  Controller controller = make_controller();
  ControlInput in = calm_input(0, 0.85);
  in.n_running = 8;
  controller.step(in, nullptr);
  for (int second = 1; second < 60; ++second) {
    in = calm_input(second * 1'000, 0.83);
    in.n_running = 6;  // two have ended
    controller.step(in, nullptr);
  }
  EXPECT_EQ(controller.setpoints().max_sequences, 4);
}

TEST(Batches, DoubleBackBelowTheLowMarkAfterTheDwellTime) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.85), nullptr);
  controller.step(calm_input(5'000, 0.89), nullptr);
  ASSERT_EQ(controller.setpoints().max_sequences, 2);
  EXPECT_EQ(controller.step(calm_input(14'000, 0.3), nullptr).max_sequences, 2);
  EXPECT_EQ(controller.step(calm_input(15'000, 0.3), nullptr).max_sequences, 4);
  EXPECT_EQ(controller.step(calm_input(24'000, 0.3), nullptr).max_sequences, 4);
  EXPECT_EQ(controller.step(calm_input(25'000, 0.3), nullptr).max_sequences, 8);
  EXPECT_EQ(controller.step(calm_input(99'000, 0.3), nullptr).max_sequences, 8);
}

TEST(Batches, AreNotDoubledWhereThatWouldHalveThemAgain) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.85), nullptr);
  ControlInput in = calm_input(20'000, 0.45);
  in.n_running = 4;
  in.n_queued = 3;
  in.kv_used_bytes = static_cast<int64_t>(0.4 * 12 * kGiB);  // doubled: 85%
  EXPECT_EQ(controller.step(in, nullptr).max_sequences, 4);
  in.now_ms = 40'000;
  in.n_queued = 0;
  in.n_running = 2;  // nothing waits for a larger batch
  EXPECT_EQ(controller.step(in, nullptr).max_sequences, 8);
}

TEST(Batches, ComeBackBesideWeightsThatTakeMoreThanTheLowMark) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.85), nullptr);
  ASSERT_EQ(controller.setpoints().max_sequences, 4);
  EXPECT_EQ(controller.step(calm_input(20'000, 0.6), nullptr).max_sequences, 8);
}

TEST(Level, FollowsTheMarksAndNeverExceedsWhatIsConfigured) {
  Controller controller = make_controller();
  std::vector<Decision> decisions;
  EXPECT_EQ(controller.step(calm_input(0, 0.69), nullptr).level, Level::kConservative);
  controller.step(calm_input(1'000, 0.701), &decisions);
  EXPECT_EQ(controller.setpoints().level, Level::kBalanced);
  EXPECT_EQ(controller.setpoints().kv_format, KvFormat::kInt8);
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(decisions[0].setting, "level");
  EXPECT_EQ(decisions[1].setting, "kv_format");
  EXPECT_EQ(decisions[1].from, "f16");
  EXPECT_EQ(decisions[1].to, "int8");
  EXPECT_EQ(decisions[1].effect,
            "a new sequence takes 54% of the KV memory that it takes as f16 (before: 100%)");
  EXPECT_EQ(controller.step(calm_input(2'000, 0.901), nullptr).kv_format, KvFormat::kInt4);

  ControlOptions options;
  options.configured.kv_format = KvFormat::kInt8;
  Controller exact = make_controller(options);
  EXPECT_EQ(exact.step(calm_input(0, 0.1), nullptr).kv_format, KvFormat::kInt8);
  EXPECT_EQ(exact.step(calm_input(1'000, 0.95), nullptr).kv_format, KvFormat::kInt4);
  for (int second = 2; second < 100; ++second) exact.step(calm_input(second * 1'000, 0.1), nullptr);
  EXPECT_EQ(exact.setpoints().kv_format, KvFormat::kInt8);
  EXPECT_EQ(exact.setpoints().level, Level::kConservative);
}

TEST(Level, IsLeftBelowTheHysteresisAfterTheDwellTime) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.75), nullptr);
  EXPECT_EQ(controller.step(calm_input(20'000, 0.66), nullptr).level, Level::kBalanced);
  EXPECT_EQ(controller.step(calm_input(21'000, 0.64), nullptr).level, Level::kConservative);
  controller.step(calm_input(22'000, 0.75), nullptr);
  EXPECT_EQ(controller.step(calm_input(31'000, 0.64), nullptr).level, Level::kBalanced);
}

TEST(Level, StaysWhereTheLargerSequencesWouldNotFit) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.92), nullptr);
  ASSERT_EQ(controller.setpoints().level, Level::kAggressive);
  ControlInput in = calm_input(60'000, 0.6);
  in.kv_used_bytes = static_cast<int64_t>(0.5 * 12 * kGiB);  // as int8 it would be 0.93
  EXPECT_EQ(controller.step(in, nullptr).level, Level::kAggressive);
  in.kv_used_bytes = static_cast<int64_t>(0.1 * 12 * kGiB);
  EXPECT_EQ(controller.step(in, nullptr).level, Level::kBalanced);
}

TEST(Cache, ShrinksUnderPressureAndReturns) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.85), nullptr);
  EXPECT_EQ(controller.setpoints().cache_memory_bytes, 32 * kMiB);
  for (int second = 1; second < 120; ++second) controller.step(calm_input(second * 1'000, 0.97), nullptr);
  EXPECT_EQ(controller.setpoints().cache_memory_bytes, 4 * kMiB);
  for (int second = 120; second < 400; ++second) controller.step(calm_input(second * 1'000, 0.3), nullptr);
  EXPECT_EQ(controller.setpoints().cache_memory_bytes, 64 * kMiB);
}

TEST(Cache, DoesNotGrowWhereHitsDoNotPayForIt) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.85), nullptr);
  ControlInput in = calm_input(0, 0.3);
  in.n_answered = 100;
  in.cache_hit_rate = 0.01;
  for (in.now_ms = 20'000; in.now_ms < 200'000; in.now_ms += 1'000) controller.step(in, nullptr);
  EXPECT_EQ(controller.setpoints().cache_memory_bytes, 32 * kMiB);
  in.cache_hit_rate = 0.3;
  std::vector<Decision> decisions;
  controller.step(in, &decisions);
  EXPECT_EQ(controller.setpoints().cache_memory_bytes, 64 * kMiB);
  EXPECT_EQ(decision_of(decisions, "cache_memory_bytes")->cause,
            "memory budget is 30% used (3.6 of 12.0 GiB), and 30% of the questions are answered from the cache");
}

TEST(Controller, MovesNothingWithoutABudgetOrWhenItIsOff) {
  Controller controller = make_controller();
  ControlInput in = calm_input(0, 0.95);
  in.memory_budget_bytes = 0;
  std::vector<Decision> decisions;
  EXPECT_EQ(controller.step(in, &decisions), Setpoints{});
  ControlOptions off;
  off.enabled = false;
  Controller disabled = make_controller(off);
  EXPECT_EQ(disabled.step(calm_input(0, 0.99), &decisions), Setpoints{});
  EXPECT_TRUE(decisions.empty());
  EXPECT_FALSE(disabled.recommend(calm_input(0, 0.99)).empty());
}

TEST(Controller, RefusesThresholdsOutOfOrderAndNamesBoth) {
  ControlOptions options;
  options.low_memory = 0.9;
  const Result<Controller> order = Controller::create(options);
  ASSERT_FALSE(order.ok());
  EXPECT_EQ(order.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(order.error().message,
            "control.low_memory is 0.9 and control.high_memory is 0.8; the first must be less");
  options = {};
  options.int8_memory = 0.95;
  EXPECT_FALSE(Controller::create(options).ok());
  options = {};
  options.latency_target_ms = 0;
  EXPECT_FALSE(Controller::create(options).ok());
  options = {};
  options.configured.max_sequences = 0;
  EXPECT_FALSE(Controller::create(options).ok());
}

}  // namespace
}  // namespace docmind::control
