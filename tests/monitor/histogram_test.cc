// Histogram: accuracy against sorted values, edges, merging, and recording from many threads.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/histogram.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace docmind::monitor {
namespace {

double exact_percentile(std::vector<double> sorted, double share) {
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

TEST(Histogram, IsAllZeroWhenEmpty) {
  const Histogram histogram;
  const HistogramSummary summary = histogram.summary();
  EXPECT_EQ(summary.count, 0u);
  EXPECT_EQ(summary.sum_ms, 0);
  EXPECT_EQ(summary.min_ms, 0);
  EXPECT_EQ(summary.max_ms, 0);
  EXPECT_EQ(summary.p99_ms, 0);
  EXPECT_EQ(summary.mean_ms(), 0);
}

TEST(Histogram, GivesOneValueBackExactly) {
  Histogram histogram;
  histogram.record(12.345);
  const HistogramSummary summary = histogram.summary();
  EXPECT_EQ(summary.count, 1u);
  EXPECT_DOUBLE_EQ(summary.sum_ms, 12.345);
  // With one value the percentiles are clamped to it.
  EXPECT_DOUBLE_EQ(summary.p50_ms, 12.345);
  EXPECT_DOUBLE_EQ(summary.p99_ms, 12.345);
}

TEST(Histogram, KeepsPercentilesWithinThreePercent) {
  const bool holds = rc::check("percentiles are within 3% from 1 us to 1 h", [] {
    const auto exponents =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-3000, 6556)));
    std::vector<double> values;
    Histogram histogram;
    for (const int exponent : exponents) {
      values.push_back(std::pow(10.0, exponent / 1000.0));  // 1 us .. 3.6e6 ms
      histogram.record(values.back());
    }
    const HistogramSummary summary = histogram.summary();
    RC_ASSERT(summary.count == values.size());
    RC_ASSERT(summary.min_ms == *std::min_element(values.begin(), values.end()));
    RC_ASSERT(summary.max_ms == *std::max_element(values.begin(), values.end()));
    const auto close = [&](double got, double share) {
      const double want = exact_percentile(values, share);
      return std::abs(got - want) <= 0.03 * want;
    };
    RC_ASSERT(close(summary.p50_ms, 0.50));
    RC_ASSERT(close(summary.p90_ms, 0.90));
    RC_ASSERT(close(summary.p95_ms, 0.95));
    RC_ASSERT(close(summary.p99_ms, 0.99));
  });
  EXPECT_TRUE(holds);
}

TEST(Histogram, TakesValuesOutsideItsRange) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(0);
  histogram.record(1e-9);
  histogram.record(1e12);
  histogram.record(std::numeric_limits<double>::quiet_NaN());
  histogram.record(std::numeric_limits<double>::infinity());
  const HistogramSummary summary = histogram.summary();
  EXPECT_EQ(summary.count, 4u);
  EXPECT_EQ(summary.min_ms, 0);
  EXPECT_EQ(summary.max_ms, 1e12);
  EXPECT_LE(summary.p50_ms, 0.002);
}

TEST(Histogram, MergesAsIfRecordedTogether) {
  Histogram first;
  Histogram second;
  Histogram both;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? first : second).record(i * 0.5);
    both.record(i * 0.5);
  }
  first.merge(second);
  first.merge(Histogram());
  const HistogramSummary merged = first.summary();
  const HistogramSummary expected = both.summary();
  EXPECT_EQ(merged.count, expected.count);
  EXPECT_DOUBLE_EQ(merged.sum_ms, expected.sum_ms);
  EXPECT_EQ(merged.min_ms, expected.min_ms);
  EXPECT_EQ(merged.max_ms, expected.max_ms);
  EXPECT_EQ(merged.p50_ms, expected.p50_ms);
  EXPECT_EQ(merged.p99_ms, expected.p99_ms);
}

TEST(Histogram, LosesNothingAmongThreads) {
  constexpr int kThreads = 4;
  constexpr int kPerThread = 20'000;
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&histogram, t] {
      for (int i = 0; i < kPerThread; ++i) histogram.record(t + 1);
    });
  }
  uint64_t last = 0;
  while (last < kThreads * kPerThread / 2) {
    const HistogramSummary summary = histogram.summary();
    EXPECT_GE(summary.count, last);
    if (summary.count > 0) {
      EXPECT_GE(summary.min_ms, 1);
      EXPECT_GE(summary.p50_ms, summary.min_ms);
      EXPECT_LE(summary.p99_ms, summary.max_ms);
    }
    last = summary.count;
  }
  for (std::thread& thread : threads) thread.join();
  const HistogramSummary summary = histogram.summary();
  EXPECT_EQ(summary.count, static_cast<uint64_t>(kThreads * kPerThread));
  EXPECT_DOUBLE_EQ(summary.sum_ms, kPerThread * (1.0 + 2 + 3 + 4));
  EXPECT_EQ(summary.min_ms, 1);
  EXPECT_EQ(summary.max_ms, 4);
}

}  // namespace
}  // namespace docmind::monitor
