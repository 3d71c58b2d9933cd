// MemoryTier: replacing, expiry, the byte limit, what SIEVE keeps, and many threads at once.
// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_tier.h"

#include <gtest/gtest.h>

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
