// The thread of background indexing: turns, its priority, giving way, work that others may wait for.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/background_indexer.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>
#include <tuple>

namespace docmind::pipeline {
namespace {

int own_nice() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))); }

TEST(BackgroundIndexer, RunsInTurnAtTheLowestPriority) {
  std::promise<std::string> done;
  std::string order;
  int nice = 0, policy = SCHED_OTHER;
  BackgroundIndexer indexer;
  indexer.add([&](const CancelToken&) {
    nice = own_nice();
    policy = ::sched_getscheduler(0);
    order += "a";
  });
  indexer.add([&](const CancelToken&) {
    order += "b";
    done.set_value(order);
  });
  EXPECT_EQ(done.get_future().get(), "ab");
  EXPECT_EQ(nice, 19);
  EXPECT_EQ(policy, SCHED_IDLE);
}

TEST(BackgroundIndexer, TakesTheConfiguredPriority) {
  for (const auto& [priority, wanted_nice, wanted_policy] :
       {std::tuple{BackgroundPriority::kLow, 19, SCHED_BATCH}, {BackgroundPriority::kNormal, own_nice(), SCHED_OTHER}}) {
    std::promise<std::pair<int, int>> seen;
    BackgroundIndexer indexer(priority);
    indexer.add([&](const CancelToken&) { seen.set_value({own_nice(), ::sched_getscheduler(0)}); });
    EXPECT_EQ(seen.get_future().get(), std::make_pair(wanted_nice, wanted_policy));
  }
}

TEST(BackgroundIndexer, WorkThatOthersWaitForRunsAtNormalPriority) {
  std::promise<int> nice;
  std::promise<bool> waited;
  BackgroundIndexer indexer;
  indexer.add([&](const CancelToken&) {
    bool ran = false;
    indexer.at_normal_priority([&] {
      nice.set_value(own_nice());
      ran = true;
    });
    waited.set_value(ran);
  });
  EXPECT_EQ(nice.get_future().get(), own_nice());
  EXPECT_TRUE(waited.get_future().get());
}

TEST(BackgroundIndexer, GivesWayToQuestionsButNotForEver) {
  BackgroundIndexer indexer;
  EXPECT_FALSE(indexer.give_way());
  {
    const BackgroundIndexer::Question asking(indexer);
    EXPECT_TRUE(indexer.give_way());  // comes back although the question goes on
  }
  EXPECT_FALSE(indexer.give_way());
}

TEST(BackgroundIndexer, EndsWhileARunNeedsHelp) {
  std::promise<void> begun;
  int n_helped = 0;
  {
    BackgroundIndexer indexer;
    indexer.add([&](const CancelToken& cancel) {
      begun.set_value();
      while (!cancel.cancelled()) indexer.at_normal_priority([&] { ++n_helped; });
      indexer.at_normal_priority([&] { ++n_helped; });
    });
    begun.get_future().get();
  }
  EXPECT_GE(n_helped, 1);
}

}  // namespace
}  // namespace docmind::pipeline
