// Trends: three resolutions, gaps, a clock that jumps, and a bounded memory.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/trend.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>
#include <map>
#include <thread>
#include <vector>

namespace docmind::monitor {
namespace {

constexpr int64_t kStart = 1'700'000'040'000;  // the beginning of a minute
constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
const double kNan = std::numeric_limits<double>::quiet_NaN();

Trends two_series() { return Trends({{.name = "load", .fold = Fold::kMean}, {.name = "latency", .fold = Fold::kMax}}); }

TEST(Trends, IsEmptyAtFirst) {
  const Trends trends({{.name = "load"}});
  const TrendHistory history = trends.history(kMinute);
  EXPECT_EQ(history.step_ms, 1'000);
  EXPECT_TRUE(history.unix_ms.empty());
  ASSERT_EQ(history.values.size(), 1u);
  EXPECT_TRUE(history.values[0].empty());
}

TEST(Trends, GivesTheLastSecondsBack) {
  Trends trends({{.name = "load"}});
  for (int i = 0; i < 10; ++i) trends.add(kStart + i * 1'000 + 300, std::vector<double>{1.0 * i});
  const TrendHistory history = trends.history(4'000);
  EXPECT_EQ(history.unix_ms, (std::vector<int64_t>{kStart + 6'000, kStart + 7'000, kStart + 8'000, kStart + 9'000}));
  EXPECT_EQ(history.values[0], (std::vector<double>{6, 7, 8, 9}));
}

TEST(Trends, TakesTheFinestResolutionThatReaches) {
  Trends trends({{.name = "load"}});
  for (int i = 0; i < 3 * 3'600; ++i) trends.add(kStart + i * 1'000, std::vector<double>{1});
  EXPECT_EQ(trends.history(15 * kMinute).step_ms, 1'000);
  EXPECT_EQ(trends.history(15 * kMinute).unix_ms.size(), 900u);
  EXPECT_EQ(trends.history(15 * kMinute + 1).step_ms, 10'000);
  EXPECT_EQ(trends.history(2 * kHour).unix_ms.size(), 720u);
  EXPECT_EQ(trends.history(2 * kHour + 1).step_ms, 60'000);
  EXPECT_EQ(trends.history(24 * kHour).unix_ms.size(), 180u);  // it has run for three hours
  EXPECT_EQ(trends.history(365 * 24 * kHour).step_ms, 60'000);
}

TEST(Trends, FoldsByMeanOrByMaximum) {
  Trends trends = two_series();
  for (int i = 0; i < 20; ++i) trends.add(kStart + i * 1'000, std::vector<double>{1.0 * i, 1.0 * (i % 7)});
  const TrendHistory history = trends.history(kHour);
  ASSERT_EQ(history.step_ms, 10'000);
  EXPECT_EQ(history.values[0], (std::vector<double>{4.5, 14.5}));
  EXPECT_EQ(history.values[1], (std::vector<double>{6, 6}));
  const TrendHistory day = trends.history(24 * kHour);
  EXPECT_EQ(day.values[0], (std::vector<double>{9.5}));
}

TEST(Trends, LeavesGapsAsNan) {
  Trends trends = two_series();
  trends.add(kStart, std::vector<double>{1, kNan});
  trends.add(kStart + 3'000, std::vector<double>{2});  // the second series is missing
  const TrendHistory history = trends.history(kMinute);
  ASSERT_EQ(history.unix_ms.size(), 4u);
  EXPECT_EQ(history.values[0][0], 1);
  EXPECT_TRUE(std::isnan(history.values[0][1]));
  EXPECT_TRUE(std::isnan(history.values[0][2]));
  EXPECT_EQ(history.values[0][3], 2);
  for (const double value : history.values[1]) EXPECT_TRUE(std::isnan(value));
}

TEST(Trends, ForgetsWhatIsOverwritten) {
  Trends trends({{.name = "load"}});
  trends.add(kStart, std::vector<double>{1});
  trends.add(kStart + 900'000, std::vector<double>{2});  // takes the place of the first
  const TrendHistory history = trends.history(15 * kMinute);
  ASSERT_EQ(history.values[0].size(), 900u);
  EXPECT_TRUE(std::isnan(history.values[0][0]));
  EXPECT_EQ(history.values[0][899], 2);
}

TEST(Trends, ForgetsTheFutureWhenTheClockIsSetBack) {
  Trends trends({{.name = "load"}});
  for (int i = 0; i < 10; ++i) trends.add(kStart + i * 1'000, std::vector<double>{1.0 * i});
  trends.add(kStart + 5'000, std::vector<double>{50});
  trends.add(kStart + 7'000, std::vector<double>{70});
  const TrendHistory history = trends.history(kMinute);
  ASSERT_EQ(history.unix_ms.size(), 8u);
  EXPECT_EQ(history.values[0][4], 4);
  EXPECT_EQ(history.values[0][5], 50);
  EXPECT_TRUE(std::isnan(history.values[0][6]));
  EXPECT_EQ(history.values[0][7], 70);
  trends.add(-5, std::vector<double>{1});  // a clock that makes no sense
  EXPECT_EQ(trends.history(kMinute).unix_ms, (std::vector<int64_t>{0}));
}

TEST(Trends, IsWhatASimpleMapSays) {
  const bool holds = rc::check("mean of each ten seconds", [] {
    Trends trends({{.name = "x"}});
    std::map<int64_t, std::pair<double, int>> expected;
    int64_t now = kStart;
    const int n = *rc::gen::inRange(1, 300);
    for (int i = 0; i < n; ++i) {
      now += *rc::gen::inRange(1, 30'000);
      const double value = *rc::gen::inRange(-100, 100);
      trends.add(now, std::vector<double>{value});
      auto& [sum, count] = expected[now / 10'000];
      sum += value;
      ++count;
    }
    const TrendHistory history = trends.history(2 * kHour);
    for (size_t i = 0; i < history.unix_ms.size(); ++i) {
      const auto found = expected.find(history.unix_ms[i] / 10'000);
      const bool measured = !std::isnan(history.values[0][i]);
      RC_ASSERT(measured == (found != expected.end()));
      if (measured) RC_ASSERT(std::abs(history.values[0][i] - found->second.first / found->second.second) < 1e-9);
    }
    RC_ASSERT(history.unix_ms.back() == now / 10'000 * 10'000);
  });
  EXPECT_TRUE(holds);
}

TEST(Trends, MayBeReadWhileItIsWritten) {
  Trends trends = two_series();
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) trends.add(kStart + i * 1'000, std::vector<double>{1.0 * i, 1.0 * i});
  });
  for (int i = 0; i < 200; ++i) {
    const TrendHistory history = trends.history(i % 2 == 0 ? kMinute : kHour);
    ASSERT_EQ(history.values[0].size(), history.unix_ms.size());
    if (history.step_ms != 1'000 || history.values[0].empty()) continue;
    EXPECT_EQ(history.values[0].back(), history.values[1].back());
  }
  writer.join();
  EXPECT_EQ(trends.history(kMinute).values[0].back(), 19'999);
}

}  // namespace
}  // namespace docmind::monitor
