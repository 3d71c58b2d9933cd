// ThreadPool: every index once, on threads that it owns, for one caller at a time.
// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace docmind {
namespace {

TEST(ThreadPool, HasTheThreadsAskedForWithTheCallerAmongThem) {
  EXPECT_EQ(ThreadPool(1).n_threads(), 1u);
  EXPECT_EQ(ThreadPool(3).n_threads(), 3u);
  EXPECT_GE(ThreadPool(0).n_threads(), 1u);
}

TEST(ThreadPool, CallsEachIndexExactlyOnce) {
  for (const size_t n_threads : {1u, 2u, 5u}) {
    ThreadPool pool(n_threads);
    for (const size_t n : {0u, 1u, 2u, 4u, 1'000u}) {
      std::vector<std::atomic<int>> calls(n);
      std::atomic<bool> in_range = true;
      pool.parallel_for(n, [&](size_t index, size_t thread) {
        ++calls[index];
        if (thread >= n_threads) in_range = false;
      });
      for (size_t i = 0; i < n; ++i) EXPECT_EQ(calls[i], 1) << i << " of " << n;
      EXPECT_TRUE(in_range);
    }
  }
}

TEST(ThreadPool, OneThreadRunsInOrderOnTheCaller) {
  ThreadPool pool(1);
  std::vector<size_t> order;
  pool.parallel_for(5, [&](size_t index, size_t thread) {
    EXPECT_EQ(thread, 0u);
    order.push_back(index);
  });
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 3, 4}));
}

TEST(ThreadPool, ReturnsOnlyWhenEveryCallReturned) {
  ThreadPool pool(4);
  for (int round = 0; round < 200; ++round) {
    int sum[16] = {};  // plain ints: the end of the loop must make them visible
    pool.parallel_for(16, [&](size_t index, size_t) { sum[index] = static_cast<int>(index); });
    int total = 0;
    for (const int value : sum) total += value;
    ASSERT_EQ(total, 120);
  }
}

// Each index waits for the other: only two threads at once can finish this loop.
TEST(ThreadPool, ReallyRunsSideBySide) {
  ThreadPool pool(2);
  std::atomic<int> n_inside = 0;
  pool.parallel_for(2, [&](size_t, size_t) {
    ++n_inside;
    while (n_inside < 2) std::this_thread::yield();
  });
  EXPECT_EQ(n_inside, 2);
}

TEST(ThreadPool, NeverGivesOneThreadNumberToTwoCallsAtOnce) {
  ThreadPool pool(4);
  std::atomic<int> busy[4] = {};
  std::atomic<bool> clash = false;
  pool.parallel_for(500, [&](size_t, size_t thread) {
    if (++busy[thread] != 1) clash = true;
    std::this_thread::yield();
    --busy[thread];
  });
  EXPECT_FALSE(clash);
}

TEST(ThreadPool, ASecondCallerWaitsForTheFirst) {
  ThreadPool pool(3);
  std::atomic<int> owner = 0;
  std::atomic<int> n_calls = 0;
  std::atomic<bool> mixed = false;
  const auto loops = [&](int me) {
    for (int round = 0; round < 50; ++round) {
      std::atomic<int> left = 20;
      pool.parallel_for(20, [&](size_t, size_t) {
        int expected = 0;
        if (!owner.compare_exchange_strong(expected, me) && expected != me) mixed = true;
        ++n_calls;
        if (--left == 0) owner = 0;
      });
    }
  };
  std::thread other([&] { loops(1); });
  loops(2);
  other.join();
  EXPECT_FALSE(mixed);
  EXPECT_EQ(n_calls, 2 * 50 * 20);
}

// A loop inside a loop needs a pool of its own.
TEST(ThreadPool, TwoPoolsNest) {
  ThreadPool outer(2);
  std::atomic<int> n_calls = 0;
  outer.parallel_for(4, [&](size_t, size_t) {
    ThreadPool inner(2);
    inner.parallel_for(8, [&](size_t, size_t) { ++n_calls; });
  });
  EXPECT_EQ(n_calls, 32);
}

TEST(ThreadPool, EndsWithoutHavingWorked) {
  for (int round = 0; round < 50; ++round) ThreadPool pool(4);
  SUCCEED();
}

}  // namespace
}  // namespace docmind
