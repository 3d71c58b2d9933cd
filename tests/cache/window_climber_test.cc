// WindowClimber: where the window ends up when a larger one helps, hurts, or makes no difference.
// SPDX-License-Identifier: Apache-2.0
#include "cache/window_climber.h"

#include <gtest/gtest.h>

namespace docmind::cache {
namespace {

constexpr uint64_t kSample = 100'000;

// Samples with the hit ratio that `ratio_of(share)` gives.
template <typename RatioOf>
void climb(WindowClimber& climber, int n_samples, RatioOf&& ratio_of) {
  for (int i = 0; i < n_samples; ++i) {
    const double ratio = ratio_of(climber.share());
    climber.report(static_cast<uint64_t>(ratio * kSample), kSample, kSample);
  }
}

TEST(WindowClimber, GrowsWhileThatHelps) {
  WindowClimber climber;
  EXPECT_EQ(climber.share(), WindowClimber::kLeastShare);
  climb(climber, 30, [](double share) { return 0.2 + 0.5 * share; });
  EXPECT_GT(climber.share(), 0.5);
  EXPECT_LE(climber.share(), WindowClimber::kMostShare);
}

TEST(WindowClimber, FindsAMaximumWithin) {
  WindowClimber climber;
  climb(climber, 60, [](double share) { return 0.6 - (share - 0.3) * (share - 0.3); });
  EXPECT_NEAR(climber.share(), 0.3, 0.1);
}

TEST(WindowClimber, StaysSmallWhereLargerIsWorse) {
  WindowClimber climber;
  double sum = 0;
  climb(climber, 40, [&](double share) {
    sum += share;
    return 0.8 - 0.8 * share;
  });
  EXPECT_LT(sum / 40, 0.02);
}

TEST(WindowClimber, GoesBackToTheSmallWindowWhenItMakesNoDifference) {
  WindowClimber climber;
  climb(climber, 20, [](double share) { return 0.2 + 0.5 * share; });
  ASSERT_GT(climber.share(), 0.3);
  climb(climber, 80, [](double) { return 0.5; });
  EXPECT_LT(climber.share(), 0.1);
}

TEST(WindowClimber, AdaptsWhenTheWorkChanges) {
  WindowClimber climber;
  climb(climber, 40, [](double share) { return 0.8 - 0.8 * share; });
  climb(climber, 30, [](double share) { return 0.2 + 0.5 * share; });
  EXPECT_GT(climber.share(), 0.4);
}

TEST(WindowClimber, WaitsForAWholeSample) {
  WindowClimber climber;
  for (int i = 0; i < 9; ++i) climber.report(5, 10, 100);
  EXPECT_EQ(climber.share(), WindowClimber::kLeastShare);
  climber.report(5, 10, 100);
  EXPECT_GT(climber.share(), WindowClimber::kLeastShare);
}

}  // namespace
}  // namespace docmind::cache
