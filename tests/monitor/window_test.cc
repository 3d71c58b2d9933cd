// WindowedMetrics and what it stands on: counts of the last minute, buckets for Prometheus.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/window.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace docmind::monitor {
namespace {

TEST(WindowedMetrics, HoldsTheLastMinuteOnly) {
  const auto metrics = std::make_unique<Metrics>();
  metrics->record(Stage::kRerank, 5'000);  // from before
  WindowedMetrics window(*metrics);
  window.update(0);
  EXPECT_EQ(window.summary(Stage::kRerank).count, 0u);
  for (int second = 1; second <= 120; ++second) {
    metrics->record(Stage::kRerank, second <= 60 ? 10 : 100);
    metrics->add(Counter::kQuestions, 2);
    window.update(second * 1'000);
  }
  const HistogramSummary summary = window.summary(Stage::kRerank);
  EXPECT_EQ(summary.count, 60u);
  EXPECT_NEAR(summary.p50_ms, 100, 3);
  EXPECT_NEAR(summary.min_ms, 100, 3);
  EXPECT_NEAR(summary.mean_ms(), 100, 1e-9);
  EXPECT_EQ(metrics->summary(Stage::kRerank).count, 121u);
  EXPECT_EQ(window.summary(Stage::kFuse).count, 0u);
  EXPECT_EQ(window.count(Counter::kQuestions), 120u);
  EXPECT_DOUBLE_EQ(window.per_second(Counter::kQuestions), 2);
  EXPECT_EQ(window.covered_ms(), 60'000);
}

TEST(WindowedMetrics, EmptiesWhenNothingHappens) {
  const auto metrics = std::make_unique<Metrics>();
  WindowedMetrics window(*metrics);
  window.update(0);
  metrics->record(Stage::kDecode, 7);
  metrics->add(Counter::kRequestsRefused);
  window.update(1'000);
  EXPECT_EQ(window.summary(Stage::kDecode).count, 1u);
  EXPECT_NEAR(window.summary(Stage::kDecode).p95_ms, 7, 0.21);
  for (int second = 2; second <= 62; ++second) window.update(second * 1'000);
  EXPECT_EQ(window.summary(Stage::kDecode).count, 0u);
  EXPECT_EQ(window.summary(Stage::kDecode).sum_ms, 0);
  EXPECT_EQ(window.count(Counter::kRequestsRefused), 0u);
}

TEST(WindowedMetrics, OutlivesALongPause) {
  const auto metrics = std::make_unique<Metrics>();
  WindowedMetrics window(*metrics);
  window.update(0);
  metrics->add(Counter::kTokensGenerated, 500);
  window.update(500'000);  // the machine slept
  EXPECT_EQ(window.count(Counter::kTokensGenerated), 500u);
  EXPECT_DOUBLE_EQ(window.per_second(Counter::kTokensGenerated), 1);
  window.update(501'000);
  EXPECT_EQ(window.count(Counter::kTokensGenerated), 0u);
}

TEST(WindowedMetrics, KeepsStagesApart) {
  const bool holds = rc::check("the window is the sum of its records", [] {
    const auto metrics = std::make_unique<Metrics>();
    WindowedMetrics window(*metrics, 5'000);
    window.update(0);
    std::vector<std::pair<int64_t, size_t>> records;
    const int64_t n_seconds = *rc::gen::inRange(1, 20);
    for (int64_t second = 1; second <= n_seconds; ++second) {
      const int n = *rc::gen::inRange(0, 5);
      for (int i = 0; i < n; ++i) {
        const auto stage = *rc::gen::inRange<size_t>(0, kStageCount);
        metrics->record(static_cast<Stage>(stage), *rc::gen::inRange(0, 10'000));
        records.emplace_back(second, stage);
      }
      window.update(second * 1'000);
    }
    for (size_t stage = 0; stage < kStageCount; ++stage) {
      const auto expected = std::ranges::count_if(
          records, [&](const auto& record) { return record.second == stage && record.first > n_seconds - 5; });
      RC_ASSERT(window.summary(static_cast<Stage>(stage)).count == static_cast<uint64_t>(expected));
    }
  });
  EXPECT_TRUE(holds);
}

TEST(Histogram, CountsUpToBounds) {
  Histogram histogram;
  for (const double ms : {0.5, 1.5, 1.5, 20.0, 3e9}) histogram.record(ms);
  const std::vector<double> bounds = {1, 2, 10, 100};
  EXPECT_EQ(histogram.cumulative(bounds), (std::vector<uint64_t>{1, 3, 3, 4, 5}));
  EXPECT_EQ(Histogram().cumulative(bounds), (std::vector<uint64_t>(5, 0)));
  EXPECT_EQ(histogram.cumulative({}), (std::vector<uint64_t>{5}));
}

TEST(Histogram, BoundsAreMetWithinThreePercent) {
  const bool holds = rc::check("cumulative counts lie between those 3% beside the bound", [] {
    const auto values = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 100'000));
    const double bound = *rc::gen::inRange(1, 100'000);
    Histogram histogram;
    for (const int value : values) histogram.record(value);
    const std::vector<uint64_t> counts = histogram.cumulative(std::vector<double>{bound});
    const auto up_to = [&](double limit) {
      return static_cast<uint64_t>(std::ranges::count_if(values, [&](int value) { return value <= limit; }));
    };
    RC_ASSERT(counts[0] >= up_to(bound * 0.97));
    RC_ASSERT(counts[0] <= up_to(bound * 1.03));
    RC_ASSERT(counts[1] == values.size());
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace docmind::monitor
