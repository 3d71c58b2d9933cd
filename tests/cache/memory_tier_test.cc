// MemoryTier: replacing, expiry, the byte limit, what W-TinyLFU keeps, and many threads at once.
// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_tier.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "cache_test_support.h"

namespace docmind::cache {
namespace {

TEST(MemoryTier, ReturnsTheLastPut) {
  MemoryTier tier({});
  EXPECT_EQ(value_in(tier, test_key(1)), "(none)");
  ASSERT_TRUE(tier.put(test_key(1), make_entry("first", 10, 0)).ok());
  ASSERT_TRUE(tier.put(test_key(1), make_entry("second", 20, 0)).ok());
  ASSERT_TRUE(tier.put(test_key(2), make_entry("other")).ok());
  EXPECT_EQ(value_in(tier, test_key(1)), "second");
  EXPECT_EQ((*tier.get(test_key(1)))->created_unix_ms, 20);
  ASSERT_TRUE(tier.erase(test_key(1)).ok());
  EXPECT_EQ(value_in(tier, test_key(1)), "(none)");
  EXPECT_EQ(value_in(tier, test_key(2)), "other");
  const TierStats stats = tier.stats();
  EXPECT_EQ(stats.name, "memory");
  EXPECT_EQ(stats.hits, 3u);
  EXPECT_EQ(stats.misses, 2u);
  EXPECT_EQ(stats.puts, 3u);
  EXPECT_EQ(stats.n_entries, 1);
}

TEST(MemoryTier, CountsEveryByteAndFreesIt) {
  MemoryTier tier({});
  const CacheEntry entry = make_entry(std::string(10'000, 'x'));
  EXPECT_GE(MemoryTier::charge_of(entry), 10'000 + MemoryTier::kEntryOverheadBytes);
  ASSERT_TRUE(tier.put(test_key(1), entry).ok());
  EXPECT_EQ(tier.stats().size_bytes, MemoryTier::charge_of(entry));
  ASSERT_TRUE(tier.put(test_key(1), make_entry("small")).ok());
  EXPECT_EQ(tier.stats().size_bytes, MemoryTier::charge_of(make_entry("small")));
  ASSERT_TRUE(tier.clear().ok());
  EXPECT_EQ(tier.stats().size_bytes, 0);
  EXPECT_EQ(tier.stats().n_entries, 0);
}

TEST(MemoryTier, DropsEntriesAtTheirTime) {
  TestClock clock;
  MemoryTier tier({.now = clock.clock()});
  ASSERT_TRUE(tier.put(test_key(1), make_entry("short", clock.now(), clock.now() + 100)).ok());
  ASSERT_TRUE(tier.put(test_key(2), make_entry("ever", clock.now(), 0)).ok());
  clock.advance_ms(99);
  EXPECT_EQ(value_in(tier, test_key(1)), "short");
  clock.advance_ms(1);
  EXPECT_EQ(value_in(tier, test_key(1)), "(none)");
  EXPECT_EQ(value_in(tier, test_key(2)), "ever");
  EXPECT_EQ(tier.stats().expired, 1u);
  EXPECT_EQ(tier.stats().n_entries, 1);
}

TEST(MemoryTier, StoresNothingLargerThanAShardAndForgetsTheOldValue) {
  MemoryTier tier({.limit_bytes = 16 * 1024, .n_shards = 16});
  ASSERT_TRUE(tier.put(test_key(1), make_entry("old")).ok());
  ASSERT_TRUE(tier.put(test_key(1), make_entry(std::string(1024, 'x'))).ok());
  EXPECT_EQ(value_in(tier, test_key(1)), "(none)");
  EXPECT_EQ(tier.stats().rejected, 1u);
  EXPECT_EQ(tier.stats().size_bytes, 0);
}

TEST(MemoryTier, StoresNothingWithoutABudget) {
  MemoryTier tier({.limit_bytes = 0});
  ASSERT_TRUE(tier.put(test_key(1), make_entry("x")).ok());
  EXPECT_EQ(value_in(tier, test_key(1)), "(none)");
}

TEST(MemoryTier, KeepsWhatIsUsedThroughARunOfNewEntries) {
  const int64_t charge = MemoryTier::charge_of(make_entry("v"));
  MemoryTier tier({.limit_bytes = 100 * charge, .n_shards = 1});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(tier.put(test_key(i), make_entry("v")).ok());
  for (int i = 10; i < 1000; ++i) {
    for (int hot = 0; hot < 10; ++hot) ASSERT_EQ(value_in(tier, test_key(hot)), "v") << i;
    ASSERT_TRUE(tier.put(test_key(i), make_entry("v")).ok());
  }
  EXPECT_EQ(tier.stats().n_entries, 100);
  EXPECT_EQ(tier.stats().evictions, 900u);
}

TEST(MemoryTier, KeepsWhatIsUsedOftenThroughAScan) {
  const int64_t charge = MemoryTier::charge_of(make_entry("v"));
  MemoryTier tier({.limit_bytes = 100 * charge, .n_shards = 1});
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 60; ++i) {
      const bool hit = value_in(tier, test_key(i)) == "v";
      if (!hit) static_cast<void>(tier.put(test_key(i), make_entry("v")));
    }
  }
  for (int i = 1'000; i < 2'000; ++i) ASSERT_TRUE(tier.put(test_key(i), make_entry("v")).ok());
  int n_kept = 0;
  for (int i = 0; i < 60; ++i) n_kept += value_in(tier, test_key(i)) == "v" ? 1 : 0;
  EXPECT_GE(n_kept, 58);
  EXPECT_EQ(value_in(tier, test_key(1'999)), "v");  // the window keeps the newest
}

// Asks for keys in turn, and puts what is missing; the share of hits.
double loop_hits(MemoryTier& tier, int n_keys, int n_requests) {
  int n_hits = 0;
  for (int i = 0; i < n_requests; ++i) {
    const CacheKey key = test_key(i % n_keys);
    if (value_in(tier, key) == "v") {
      ++n_hits;
    } else {
      EXPECT_TRUE(tier.put(key, make_entry("v")).ok());
    }
  }
  return static_cast<double>(n_hits) / n_requests;
}

TEST(MemoryTier, HitsInALoopLargerThanItself) {
  const int64_t charge = MemoryTier::charge_of(make_entry("v"));
  MemoryTier tier({.limit_bytes = 500 * charge, .n_shards = 1});
  EXPECT_GT(loop_hits(tier, 600, 30'000), 0.75);  // LRU has none; the best possible is 0.83
}

TEST(MemoryTier, GrowsItsWindowWhereOnlyRecencyHelps) {
  const int64_t charge = MemoryTier::charge_of(make_entry("v"));
  MemoryTier tier({.limit_bytes = 400 * charge, .n_shards = 4});
  EXPECT_LT(tier.window_share(), 0.02);
  // Every key is asked for four times on average while it is among the newest hundred.
  std::mt19937 random(1);
  int n_late_hits = 0;
  for (int i = 0; i < 200'000; ++i) {
    const CacheKey key = test_key(i / 4 + static_cast<int>(random() % 100));
    const bool hit = value_in(tier, key) == "v";
    if (!hit) static_cast<void>(tier.put(key, make_entry("v")));
    if (i >= 150'000) n_late_hits += hit ? 1 : 0;
  }
  EXPECT_GT(tier.window_share(), 0.1);
  EXPECT_GT(n_late_hits, 25'000);
}

// Else whoever finds keys that share their counters with residents' keys keeps all others out.
TEST(MemoryTier, LetsAWarmNewcomerInByChance) {
  const int64_t charge = MemoryTier::charge_of(make_entry("v"));
  MemoryTier tier({.limit_bytes = 21 * charge, .n_shards = 1});
  bool let_in = false;
  for (int round = 0; round < 5'000 && !let_in; ++round) {
    for (int i = 0; i < 20; ++i) {
      const bool hit = value_in(tier, test_key(i)) == "v";
      if (round == 0 && !hit) static_cast<void>(tier.put(test_key(i), make_entry("v")));
    }
    // Used as often as the residents; each pushes the other out of the window.
    for (int i = 100; i < 102; ++i) ASSERT_TRUE(tier.put(test_key(i), make_entry("v")).ok());
    let_in = round > 100 && value_in(tier, test_key(100)) == "v";
  }
  EXPECT_TRUE(let_in);
}

TEST(MemoryTier, WeighsALargeEntryAgainstAllItWouldPushOut) {
  MemoryTier tier({.limit_bytes = 100'000, .n_shards = 1});
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 150; ++i) {
      if (value_in(tier, test_key(i)) == "(none)") {
        ASSERT_TRUE(tier.put(test_key(i), make_entry(std::string(300, 'v'))).ok());
      }
    }
  }
  ASSERT_TRUE(tier.put(test_key(500), make_entry(std::string(60'000, 'x'))).ok());
  int n_kept = 0;
  for (int i = 0; i < 150; ++i) n_kept += value_in(tier, test_key(i)) != "(none)" ? 1 : 0;
  EXPECT_GE(n_kept, 145);
  EXPECT_EQ(value_in(tier, test_key(500)), "(none)");
}

TEST(MemoryTier, ShrinksAtOnceToALowerLimit) {
  MemoryTier tier({.limit_bytes = 1 << 20, .n_shards = 4});
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(tier.put(test_key(i), make_entry(std::string(500, 'v'))).ok());
  }
  ASSERT_GT(tier.stats().size_bytes, 700'000);
  ASSERT_TRUE(tier.set_limit(100'000).ok());
  EXPECT_EQ(tier.stats().limit_bytes, 100'000);
  EXPECT_LE(tier.stats().size_bytes, 100'000);
  EXPECT_GT(tier.stats().size_bytes, 90'000);
  ASSERT_TRUE(tier.set_limit(0).ok());
  EXPECT_EQ(tier.stats().n_entries, 0);
  ASSERT_TRUE(tier.set_limit(1 << 20).ok());
  ASSERT_TRUE(tier.put(test_key(1), make_entry("again")).ok());
  EXPECT_EQ(value_in(tier, test_key(1)), "again");
  const Status negative = tier.set_limit(-5);
  ASSERT_FALSE(negative.ok());
  EXPECT_NE(negative.error().message.find("-5"), std::string::npos);
  EXPECT_EQ(value_in(tier, test_key(1)), "again");
}

TEST(MemoryTier, TellsWhatItsHitsSaved) {
  MemoryTier tier({});
  ASSERT_TRUE(tier.put(test_key(1), make_entry("12345", 0, 0, 250)).ok());
  ASSERT_TRUE(tier.put(test_key(2), make_entry("123", 0, 0, 0.5)).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(value_in(tier, test_key(1)), "12345");
  EXPECT_EQ(value_in(tier, test_key(2)), "123");
  EXPECT_EQ(value_in(tier, test_key(3)), "(none)");
  EXPECT_EQ(tier.stats().hit_bytes, 18u);
  EXPECT_DOUBLE_EQ(tier.stats().saved_ms, 750.5);
}

TEST(MemoryTier, SurvivesAClockThatIsSetBack) {
  TestClock clock;
  MemoryTier tier({.now = clock.clock()});
  ASSERT_TRUE(tier.put(test_key(1), make_entry("x", clock.now(), clock.now() + 100)).ok());
  clock.advance_ms(-1'000'000);
  EXPECT_EQ(value_in(tier, test_key(1)), "x");
  ASSERT_TRUE(tier.put(test_key(2), make_entry("y", clock.now(), clock.now() + 10)).ok());
  clock.advance_ms(10);
  EXPECT_EQ(value_in(tier, test_key(2)), "(none)");
  EXPECT_EQ(value_in(tier, test_key(1)), "x");
}

TEST(MemoryTier, EvictsExpiredEntriesBeforeLiveOnes) {
  TestClock clock;
  const int64_t charge = MemoryTier::charge_of(make_entry("v"));
  MemoryTier tier({.limit_bytes = 50 * charge, .n_shards = 1, .now = clock.clock()});
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(tier.put(test_key(i), make_entry("v", 0, clock.now() + 10)).ok());
    for (int use = 0; use < 5; ++use) EXPECT_EQ(value_in(tier, test_key(i)), "v");
  }
  clock.advance_ms(10);
  // Asked for once only, and yet let in: the victims are dead, however often they were used.
  for (int i = 100; i < 130; ++i) ASSERT_TRUE(tier.put(test_key(i), make_entry("v")).ok());
  for (int i = 100; i < 130; ++i) EXPECT_EQ(value_in(tier, test_key(i)), "v") << i;
  EXPECT_EQ(tier.stats().evictions, 0u);
}

TEST(MemoryTier, HoldsItsLimitAmongThreads) {
  constexpr int64_t kLimit = 256 * 1024;
  MemoryTier tier({.limit_bytes = kLimit});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&tier, kLimit, t] {
      for (int i = 0; i < 5'000; ++i) {
        const int64_t n = (i * 7 + t * 13) % 500;
        const std::string value = "value of " + std::to_string(n);
        switch (i % 4) {
          case 0: {
            const auto padding = std::string(static_cast<size_t>(n), ' ');
            EXPECT_TRUE(tier.put(test_key(n), make_entry(value + padding)).ok());
            break;
          }
          case 1: EXPECT_TRUE(tier.erase(test_key(n)).ok()); break;
          default: {
            const std::string got = value_in(tier, test_key(n));
            EXPECT_TRUE(got == "(none)" || got.starts_with(value));
          }
        }
        if (i % 500 == 0) {
          EXPECT_LE(tier.stats().size_bytes, kLimit);
        }
        if (i % 700 == 0 && t == 1) {
          EXPECT_TRUE(tier.set_limit(i % 1'400 == 0 ? kLimit : kLimit / 2).ok());
        }
        if (i == 4'000 && t == 0) {
          EXPECT_TRUE(tier.clear().ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(tier.stats().size_bytes, kLimit);
}

}  // namespace
}  // namespace docmind::cache
