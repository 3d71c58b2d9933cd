// Metrics, Trace, StageTimer and Snapshot: names, and that a measure arrives where it should.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/metrics.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "monitor/snapshot.h"
#include "monitor/trace.h"

namespace docmind::monitor {
namespace {

TEST(Metrics, NamesEveryStageAndCounterOnce) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kStageCount; ++i) names.insert(stage_name(static_cast<Stage>(i)));
  EXPECT_EQ(names.size(), kStageCount);
  EXPECT_EQ(names.count("unknown"), 0u);
  std::set<std::string_view> counters;
  for (size_t i = 0; i < kCounterCount; ++i) counters.insert(counter_name(static_cast<Counter>(i)));
  EXPECT_EQ(counters.size(), kCounterCount);
  EXPECT_EQ(counters.count("unknown"), 0u);
  EXPECT_EQ(stage_name(Stage::kRetrieveLexical), "retrieve_lexical");
  EXPECT_EQ(counter_name(Counter::kFilesIndexed), "files_indexed");
}

TEST(Metrics, KeepsStagesAndCountersApart) {
  const auto metrics = std::make_unique<Metrics>();
  metrics->record(Stage::kParse, 3);
  metrics->record(Stage::kParse, 5);
  metrics->add(Counter::kQuestions);
  metrics->add(Counter::kBytesIndexed, 1000);
  EXPECT_EQ(metrics->summary(Stage::kParse).count, 2u);
  EXPECT_DOUBLE_EQ(metrics->summary(Stage::kParse).sum_ms, 8);
  EXPECT_EQ(metrics->summary(Stage::kRead).count, 0u);
  EXPECT_EQ(metrics->value(Counter::kQuestions), 1u);
  EXPECT_EQ(metrics->value(Counter::kBytesIndexed), 1000u);
  EXPECT_EQ(metrics->value(Counter::kFilesIndexed), 0u);
}

TEST(Trace, KeepsTheOrderOfOneRequestAndFeedsTheMetrics) {
  const auto metrics = std::make_unique<Metrics>();
  Trace trace(*metrics);
  {
    StageTimer outer(trace, Stage::kTotalAsk);
    StageTimer(trace, Stage::kFuse).stop();
    StageTimer inner(trace, Stage::kGenerate);
  }
  trace.record(Stage::kCite, 1.5);
  ASSERT_EQ(trace.stages().size(), 4u);
  EXPECT_EQ(trace.stages()[0].stage, Stage::kFuse);
  EXPECT_EQ(trace.stages()[1].stage, Stage::kGenerate);
  EXPECT_EQ(trace.stages()[2].stage, Stage::kTotalAsk);
  EXPECT_EQ(trace.stages()[3].ms, 1.5);
  EXPECT_GE(trace.stages()[2].ms, trace.stages()[1].ms);
  EXPECT_GE(trace.elapsed_ms(), trace.stages()[2].ms);
  for (const StageMs& stage : trace.stages()) {
    EXPECT_EQ(metrics->summary(stage.stage).count, 1u) << stage_name(stage.stage);
    EXPECT_EQ(metrics->summary(stage.stage).max_ms, stage.ms);
  }
}

TEST(StageTimer, RecordsOnceWhenStopped) {
  const auto metrics = std::make_unique<Metrics>();
  {
    StageTimer timer(*metrics, Stage::kRead);
    const double first = timer.stop();
    EXPECT_EQ(timer.stop(), first);
    EXPECT_EQ(metrics->summary(Stage::kRead).max_ms, first);
  }
  EXPECT_EQ(metrics->summary(Stage::kRead).count, 1u);
}

TEST(Snapshot, HoldsWhatTheMetricsHold) {
  const auto metrics = std::make_unique<Metrics>();
  metrics->record(Stage::kEmbed, 2);
  metrics->add(Counter::kCacheErrors, 7);
  const Snapshot snapshot = take_snapshot(*metrics);
  EXPECT_GT(snapshot.unix_ms, 1'500'000'000'000);
  EXPECT_EQ(snapshot.stage(Stage::kEmbed).count, 1u);
  EXPECT_EQ(snapshot.counter(Counter::kCacheErrors), 7u);
  ASSERT_TRUE(snapshot.process_memory) << snapshot.problems.at(0);
  EXPECT_GT(snapshot.process_memory->rss_bytes, 0);
  EXPECT_TRUE(snapshot.system_memory);
  EXPECT_TRUE(snapshot.problems.empty());
}

TEST(Snapshot, SaysWhyAValueIsMissing) {
  const auto metrics = std::make_unique<Metrics>();
  const Snapshot snapshot =
      take_snapshot(*metrics, {.proc = "/nowhere/proc", .cgroup = "/nowhere/cgroup"});
  EXPECT_FALSE(snapshot.process_memory);
  EXPECT_FALSE(snapshot.system_memory);
  ASSERT_EQ(snapshot.problems.size(), 2u);
  EXPECT_NE(snapshot.problems[0].find("/nowhere/proc/self/status"), std::string::npos);
}

}  // namespace
}  // namespace docmind::monitor
