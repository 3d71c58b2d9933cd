// Bounds on a share: against known values, and by counting all outcomes of small samples.
// SPDX-License-Identifier: Apache-2.0
#include "cache/binomial_bound.h"

#include <gtest/gtest.h>

#include <cmath>

namespace docmind::cache {
namespace {

double choose(int n, int k) {
  double value = 1;
  for (int i = 0; i < k; ++i) value = value * (n - i) / (i + 1);
  return value;
}

double probability(int k, int n, double p) {
  return choose(n, k) * std::pow(p, k) * std::pow(1 - p, n - k);
}

TEST(BinomialBound, KnownValues) {
  EXPECT_NEAR(share_upper_bound(0, 59, 0.95), 1 - std::pow(0.05, 1.0 / 59), 1e-9);
  EXPECT_NEAR(share_upper_bound(1, 10, 0.95), 0.39416, 1e-5);   // tables of Clopper and Pearson
  EXPECT_NEAR(share_upper_bound(5, 100, 0.975), 0.11283, 1e-5);
  EXPECT_EQ(share_upper_bound(0, 0, 0.95), 1);
  EXPECT_EQ(share_upper_bound(7, 7, 0.95), 1);
  EXPECT_EQ(next_share_upper_bound(0, 0, 5, 0.95), 1);
  EXPECT_EQ(next_share_upper_bound(0, 5, 0, 0.95), 0);
  // None wrong of n: k wrong of the next n has about the chance 2^-k; 4 are the most at 95%.
  EXPECT_NEAR(next_share_upper_bound(0, 1000, 1000, 0.95), 0.004, 1e-9);
}

TEST(BinomialBound, HoldsAsOftenAsItSays) {
  constexpr int kN = 40;
  constexpr double kConfidence = 0.9;
  for (const double p : {0.01, 0.05, 0.1, 0.3, 0.7}) {
    double held = 0;
    double next_held = 0;
    for (int k = 0; k <= kN; ++k) {
      const double here = probability(k, kN, p);
      if (p <= share_upper_bound(static_cast<size_t>(k), kN, kConfidence)) held += here;
      const double bound = next_share_upper_bound(static_cast<size_t>(k), kN, kN, kConfidence);
      for (int next = 0; next <= kN; ++next) {
        if (next <= bound * kN + 1e-9) next_held += here * probability(next, kN, p);
      }
    }
    EXPECT_GE(held, kConfidence) << p;
    EXPECT_GE(next_held, kConfidence) << p;
  }
}

TEST(BinomialBound, TheNextSampleFluctuatesToo) {
  for (const size_t n_wrong : {0UL, 1UL, 5UL, 30UL}) {
    EXPECT_GT(next_share_upper_bound(n_wrong, 300, 300, 0.95), share_upper_bound(n_wrong, 300, 0.95));
    EXPECT_NEAR(next_share_upper_bound(n_wrong, 300, 1'000'000, 0.95),
                share_upper_bound(n_wrong, 300, 0.95), 0.002);
  }
}

TEST(BinomialBound, AllowsNoMoreThanTheLimit) {
  EXPECT_EQ(most_wrong_allowed(0, 0.01, 0.95), -1);
  EXPECT_EQ(most_wrong_allowed(399, 0.01, 0.95), -1);
  EXPECT_EQ(most_wrong_allowed(400, 0.01, 0.95), 0);
  const long allowed = most_wrong_allowed(2000, 0.05, 0.95);
  ASSERT_GT(allowed, 0);
  const auto n_wrong = static_cast<size_t>(allowed);
  EXPECT_LE(next_share_upper_bound(n_wrong, 2000, 2000, 0.95), 0.05);
  EXPECT_GT(next_share_upper_bound(n_wrong + 1, 2000, 2000, 0.95), 0.05);
}

}  // namespace
}  // namespace docmind::cache
