// TieredCache: promotion, writes to all tiers, a tier that fails, limits.
// SPDX-License-Identifier: Apache-2.0
#include "cache/tiered_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "cache/memory_tier.h"
#include "cache_test_support.h"

namespace docmind::cache {
namespace {

// A tier on a broken disk: every call fails and is counted.
class BrokenTier final : public Tier {
 public:
  std::string name() const override { return "disk"; }
  Result<std::optional<CacheEntry>> get(const CacheKey&) override { return broken(); }
  Status put(const CacheKey&, CacheEntry) override { return broken(); }
  Status erase(const CacheKey&) override { return broken(); }
  Status clear() override { return broken(); }
  TierStats stats() const override { return {.name = name(), .errors = n_errors_}; }
  Status set_limit(int64_t) override { return broken(); }

 private:
  Error broken() {
    ++n_errors_;
    return Error{ErrorCode::kIo, "the disk is full"};
  }
  uint64_t n_errors_ = 0;
};

struct TwoTiers {
  TwoTiers() {
    auto first = std::make_unique<MemoryTier>(MemoryTierOptions{});
    auto second = std::make_unique<MemoryTier>(MemoryTierOptions{});
    fast = first.get();
    slow = second.get();
    std::vector<std::unique_ptr<Tier>> tiers;
    tiers.push_back(std::move(first));
    tiers.push_back(std::move(second));
    cache = std::make_unique<TieredCache>(std::move(tiers));
  }
  MemoryTier* fast = nullptr;
  MemoryTier* slow = nullptr;
  std::unique_ptr<TieredCache> cache;
};

TEST(TieredCache, WritesAllTiersAndReadsTheFastest) {
  TwoTiers two;
  ASSERT_TRUE(two.cache->put(test_key(1), make_entry("x", 5, 0)).ok());
  EXPECT_EQ(value_in(*two.slow, test_key(1)), "x");
  const auto hit = two.cache->get(test_key(1));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->tier, 0u);
  EXPECT_EQ(hit->entry.created_unix_ms, 5);
  EXPECT_FALSE(two.cache->get(test_key(2)));
  ASSERT_EQ(two.cache->stats().size(), 2u);
  EXPECT_EQ(two.cache->stats()[0].puts, 1u);
}

TEST(TieredCache, PromotesWhatASlowerTierHas) {
  TwoTiers two;
  ASSERT_TRUE(two.slow->put(test_key(1), make_entry("x", 5, 0)).ok());
  const auto first = two.cache->get(test_key(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->tier, 1u);
  EXPECT_EQ(value_in(*two.fast, test_key(1)), "x");
  EXPECT_EQ(two.cache->get(test_key(1))->tier, 0u);
}

TEST(TieredCache, ErasesAndClearsEverywhere) {
  TwoTiers two;
  ASSERT_TRUE(two.cache->put(test_key(1), make_entry("x")).ok());
  ASSERT_TRUE(two.cache->put(test_key(2), make_entry("y")).ok());
  ASSERT_TRUE(two.cache->erase(test_key(1)).ok());
  EXPECT_FALSE(two.cache->get(test_key(1)));
  ASSERT_TRUE(two.cache->clear().ok());
  EXPECT_EQ(value_in(*two.fast, test_key(2)), "(none)");
  EXPECT_EQ(value_in(*two.slow, test_key(2)), "(none)");
}

TEST(TieredCache, GoesOnWithoutABrokenTier) {
  std::vector<std::unique_ptr<Tier>> tiers;
  tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{}));
  tiers.push_back(std::make_unique<BrokenTier>());
  TieredCache cache(std::move(tiers));
  const Status put = cache.put(test_key(1), make_entry("x"));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().message, "the cache on disk: the disk is full");
  EXPECT_TRUE(cache.get(test_key(1)));
  EXPECT_FALSE(cache.get(test_key(2)));
  EXPECT_EQ(cache.stats()[1].errors, 3u);  // it was asked to drop the old entry, too
  EXPECT_FALSE(cache.clear().ok());
  EXPECT_FALSE(cache.get(test_key(1)));
}

// A tier whose puts fail while it is full.
class FullTier final : public Tier {
 public:
  std::string name() const override { return "disk"; }
  Result<std::optional<CacheEntry>> get(const CacheKey& key) override { return inner_.get(key); }
  Status put(const CacheKey& key, CacheEntry entry) override {
    if (full) return Error{ErrorCode::kIo, "the disk is full"};
    return inner_.put(key, std::move(entry));
  }
  Status erase(const CacheKey& key) override { return inner_.erase(key); }
  Status clear() override { return inner_.clear(); }
  TierStats stats() const override { return inner_.stats(); }
  Status set_limit(int64_t limit_bytes) override { return inner_.set_limit(limit_bytes); }
  std::atomic<bool> full{false};

 private:
  MemoryTier inner_{MemoryTierOptions{}};
};

// Else the first tier drops the new value one day, and the old one comes back.
TEST(TieredCache, LeavesNoOldValueWhereTheNewOneDidNotFit) {
  for (const bool write_behind : {false, true}) {
    std::vector<std::unique_ptr<Tier>> tiers;
    tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{.limit_bytes = 0}));
    auto full = std::make_unique<FullTier>();
    FullTier& disk = *full;
    tiers.push_back(std::move(full));
    TieredCache cache(std::move(tiers), {.write_behind = write_behind});
    ASSERT_TRUE(cache.put(test_key(1), make_entry("old")).ok());
    ASSERT_TRUE(cache.flush().ok());
    disk.full = true;
    const Status put = cache.put(test_key(1), make_entry("new"));
    const Status flushed = cache.flush();
    EXPECT_EQ(put.ok(), write_behind);
    EXPECT_EQ(flushed.ok(), !write_behind);
    EXPECT_EQ((write_behind ? flushed : put).error().message, "the cache on disk: the disk is full");
    EXPECT_FALSE(cache.get(test_key(1)));
    EXPECT_TRUE(cache.flush().ok());  // an error is told once
  }
}

TEST(TieredCache, SetsTheLimitOfEachTier) {
  TwoTiers two;
  const int64_t limits[] = {10'000, 20'000};
  ASSERT_TRUE(two.cache->set_limits(limits).ok());
  EXPECT_EQ(two.cache->stats()[0].limit_bytes, 10'000);
  EXPECT_EQ(two.cache->stats()[1].limit_bytes, 20'000);
  const Status wrong = two.cache->set_limits(std::span(limits, 1));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message, "the cache has 2 tiers, but 1 limits were given");
}

// A promotion that overtakes a put would leave an old value in the fast tier for ever.
TEST(TieredCache, NeverKeepsAnOldValueAboveANewOne) {
  TwoTiers two;
  constexpr int kRounds = 2'000;
  std::thread reader([&] {
    for (int i = 0; i < kRounds * 3; ++i) {
      static_cast<void>(two.cache->get(test_key(1)));
      static_cast<void>(two.fast->erase(test_key(1)));  // makes the next get promote
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(two.cache->put(test_key(1), make_entry(std::to_string(i))).ok());
  }
  reader.join();
  const std::string last = std::to_string(kRounds - 1);
  const std::string fast = value_in(*two.fast, test_key(1));
  EXPECT_TRUE(fast == last || fast == "(none)") << fast;
  EXPECT_EQ(value_in(*two.slow, test_key(1)), last);
}

}  // namespace
}  // namespace docmind::cache
