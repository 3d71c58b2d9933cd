// DiskTier: persistence, the limit of the file, compression, expiry, several users.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <thread>
#include <vector>

#include "cache/disk_tier.h"
#include "cache_test_support.h"
#include "disk_tier_fixture.h"

namespace docmind::cache {
namespace {

TEST_F(DiskTierTest, KeepsEntriesAcrossOpens) {
  const std::string binary("a\0b\xff", 4);
  {
    auto tier = open();
    ASSERT_TRUE(tier->put(test_key(1), make_entry("old", 1, 0)).ok());
    ASSERT_TRUE(tier->put(test_key(1), make_entry(binary, 11, clock_.now() + 50)).ok());
    ASSERT_TRUE(tier->put(test_key(2), make_entry("")).ok());
    ASSERT_TRUE(tier->put(test_key(3), make_entry("gone")).ok());
    ASSERT_TRUE(tier->erase(test_key(3)).ok());
    EXPECT_EQ(tier->take_warning(), "");
  }
  auto tier = open();
  const auto entry = tier->get(test_key(1));
  ASSERT_TRUE(entry.ok() && entry->has_value());
  EXPECT_EQ(*(*entry)->value, binary);
  EXPECT_EQ((*entry)->created_unix_ms, 11);
  EXPECT_EQ((*entry)->expires_unix_ms, clock_.now() + 50);
  EXPECT_EQ(value_in(*tier, test_key(2)), "");
  EXPECT_EQ(value_in(*tier, test_key(3)), "(none)");
  const TierStats stats = tier->stats();
  EXPECT_EQ(stats.name, "disk");
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_EQ(stats.n_entries, 2);
  EXPECT_GT(stats.size_bytes, 0);
}

TEST_F(DiskTierTest, IsReadableOnlyByItsOwner) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("private")).ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat st {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &st), 0) << suffix;
    EXPECT_EQ(st.st_mode & 0077, 0u) << suffix;
  }
}

TEST_F(DiskTierTest, DropsEntriesAtTheirTime) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("short", 0, clock_.now() + 100)).ok());
  clock_.advance_ms(99);
  EXPECT_EQ(value_in(*tier, test_key(1)), "short");
  clock_.advance_ms(1);
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
  EXPECT_EQ(tier->stats().expired, 1u);
  EXPECT_EQ(tier->stats().n_entries, 0);
}

TEST_F(DiskTierTest, KeepsTheFileWithinItsLimit) {
  constexpr int64_t kLimit = 2 << 20;
  auto tier = open(kLimit);
  for (int i = 0; i < 1'000; ++i) {
    clock_.advance_ms(1);
    const auto size = static_cast<size_t>(i * 37 % 30'000);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(noise(size))).ok());
    if (i % 50 == 0) {
      ASSERT_LE(tier->stats().size_bytes, kLimit) << i;
    }
  }
  const TierStats stats = tier->stats();
  EXPECT_GT(stats.evictions, 500u);
  EXPECT_GT(stats.size_bytes, kLimit / 2);
  EXPECT_EQ(value_in(*tier, test_key(0)), "(none)");
  EXPECT_NE(value_in(*tier, test_key(999)), "(none)");
  tier.reset();
  EXPECT_LE(static_cast<int64_t>(std::filesystem::file_size(path_)), kLimit);
}

TEST_F(DiskTierTest, EvictsTheLeastRecentlyUsed) {
  constexpr int64_t kLimit = 1 << 20;
  auto tier = open(kLimit);
  const std::string value = noise(20'000);
  for (int i = 0; i < 20; ++i) {
    clock_.advance_ms(1);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(value)).ok());
  }
  clock_.advance_ms(3'600'000);
  EXPECT_EQ(value_in(*tier, test_key(0)), value);  // used again, an hour after it was put
  for (int i = 20; i < 60; ++i) {
    clock_.advance_ms(1);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(value)).ok());
  }
  EXPECT_GT(tier->stats().evictions, 0u);
  EXPECT_EQ(value_in(*tier, test_key(0)), value);
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
}

TEST_F(DiskTierTest, NotesUseOnceAnHourOnly) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("x")).ok());
  const int64_t put_at = clock_.now();
  clock_.advance_ms(3'599'999);
  EXPECT_EQ(value_in(*tier, test_key(1)), "x");
  EXPECT_EQ(query("SELECT used_unix_ms FROM entries"), put_at);
  clock_.advance_ms(1);
  EXPECT_EQ(value_in(*tier, test_key(1)), "x");
  EXPECT_EQ(query("SELECT used_unix_ms FROM entries"), clock_.now());
}

TEST_F(DiskTierTest, PrefersExpiredEntriesForEviction) {
  constexpr int64_t kLimit = 1 << 20;
  auto tier = open(kLimit);
  const std::string value = noise(20'000);
  ASSERT_TRUE(tier->put(test_key(0), make_entry(value)).ok());
  clock_.advance_ms(1);
  for (int i = 1; i < 30; ++i) {
    ASSERT_TRUE(tier->put(test_key(i), make_entry(value, 0, clock_.now() + 10)).ok());
  }
  clock_.advance_ms(10);
  for (int i = 30; i < 55; ++i) ASSERT_TRUE(tier->put(test_key(i), make_entry(value)).ok());
  EXPECT_EQ(tier->stats().expired, 29u);
  EXPECT_EQ(tier->stats().evictions, 0u);
  EXPECT_EQ(value_in(*tier, test_key(0)), value);
}

TEST_F(DiskTierTest, DoesNotStoreWhatIsTooLarge) {
  auto tier = open(1 << 20);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("old")).ok());
  ASSERT_TRUE(tier->put(test_key(1), make_entry(noise(200'000))).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
  EXPECT_EQ(tier->stats().rejected, 1u);
}

TEST_F(DiskTierTest, ShrinksToALowerLimitAndWhenCleared) {
  {
    auto tier = open();
    for (int i = 0; i < 100; ++i) {
      clock_.advance_ms(1);
      ASSERT_TRUE(tier->put(test_key(i), make_entry(noise(50'000))).ok());
    }
  }
  ASSERT_GT(std::filesystem::file_size(path_), 4u << 20);
  auto tier = open(1 << 20);
  EXPECT_LE(std::filesystem::file_size(path_), 1u << 20);
  EXPECT_NE(value_in(*tier, test_key(99)), "(none)");
  ASSERT_TRUE(tier->clear().ok());
  EXPECT_EQ(tier->stats().n_entries, 0);
  EXPECT_LE(std::filesystem::file_size(path_), 64u << 10);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("again")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "again");
}

TEST_F(DiskTierTest, CompressesWhatGetsSmaller) {
  auto tier = open();
  std::string text;
  for (int i = 0; i < 500; ++i) text += "The notice period is " + std::to_string(i) + " days. ";
  const std::string random = noise(5'000);
  ASSERT_TRUE(tier->put(test_key(1), make_entry(text)).ok());
  ASSERT_TRUE(tier->put(test_key(2), make_entry(random)).ok());
  ASSERT_TRUE(tier->put(test_key(3), make_entry("short")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), text);
  EXPECT_EQ(value_in(*tier, test_key(2)), random);
  EXPECT_EQ(value_in(*tier, test_key(3)), "short");
  EXPECT_EQ(query("SELECT encoding FROM entries WHERE id=1"), 1);
  EXPECT_LT(query("SELECT length(value) FROM entries WHERE id=1"),
            static_cast<int64_t>(text.size()) / 3);
  EXPECT_EQ(query("SELECT plain_bytes FROM entries WHERE id=1"), static_cast<int64_t>(text.size()));
  EXPECT_EQ(query("SELECT sum(encoding) FROM entries WHERE id>1"), 0);
  EXPECT_EQ(query("SELECT count(*) FROM entries WHERE size_bytes<>length(value)"), 0);
}

TEST_F(DiskTierTest, KeepsWhatAValueCostAndTellsWhatHitsSaved) {
  ASSERT_TRUE(open()->put(test_key(1), make_entry("12345", 0, 0, 120.5)).ok());
  auto tier = open();
  const auto entry = tier->get(test_key(1));
  ASSERT_TRUE(entry.ok() && entry->has_value());
  EXPECT_EQ((*entry)->cost_ms, 120.5);
  EXPECT_EQ(value_in(*tier, test_key(1)), "12345");
  EXPECT_EQ(value_in(*tier, test_key(2)), "(none)");
  EXPECT_EQ(tier->stats().hit_bytes, 10u);
  EXPECT_DOUBLE_EQ(tier->stats().saved_ms, 241);
  ASSERT_TRUE(tier->put(test_key(3), make_entry("x", 0, 0, std::nan(""))).ok());
  EXPECT_EQ(value_in(*tier, test_key(3)), "x");
}

TEST_F(DiskTierTest, ChangesItsLimitWhileOpen) {
  auto tier = open();
  for (int i = 0; i < 100; ++i) {
    clock_.advance_ms(1);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(noise(30'000, 1))).ok());
  }
  ASSERT_GT(std::filesystem::file_size(path_), 2'500'000u);
  ASSERT_TRUE(tier->set_limit(1 << 20).ok());
  EXPECT_EQ(tier->stats().limit_bytes, 1 << 20);
  EXPECT_LE(tier->stats().size_bytes, 1 << 20);
  EXPECT_LE(std::filesystem::file_size(path_), 1u << 20);
  EXPECT_GT(tier->stats().evictions, 60u);
  EXPECT_NE(value_in(*tier, test_key(99)), "(none)");
  EXPECT_EQ(value_in(*tier, test_key(0)), "(none)");
  // The largest entry follows the limit.
  ASSERT_TRUE(tier->put(test_key(200), make_entry(noise(200'000))).ok());
  EXPECT_EQ(value_in(*tier, test_key(200)), "(none)");
  ASSERT_TRUE(tier->set_limit(4 << 20).ok());
  ASSERT_TRUE(tier->put(test_key(200), make_entry(noise(200'000))).ok());
  EXPECT_EQ(value_in(*tier, test_key(200)), noise(200'000));
  ASSERT_TRUE(tier->set_limit(0).ok());
  EXPECT_EQ(tier->stats().n_entries, 0);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("x")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
  EXPECT_FALSE(tier->set_limit(-1).ok());
}

TEST_F(DiskTierTest, SurvivesAClockThatIsSetBack) {
  constexpr int64_t kYear = 365LL * 24 * 3'600'000;
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("x", clock_.now(), clock_.now() + 100)).ok());
  clock_.advance_ms(-kYear);
  EXPECT_EQ(value_in(*tier, test_key(1)), "x");
  // Else it would be the last to be evicted for a year.
  EXPECT_EQ(query("SELECT used_unix_ms FROM entries"), clock_.now());
  EXPECT_EQ(tier->stats().errors, 0u);
}

TEST_F(DiskTierTest, IsSharedByTwoConnectionsAndManyThreads) {
  auto first = open();
  auto second = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      DiskTier& mine = t % 2 == 0 ? *first : *second;
      for (int i = 0; i < 60; ++i) {
        const Status put = mine.put(test_key(t * 100 + i), make_entry("v" + std::to_string(i)));
        EXPECT_TRUE(put.ok()) << put.error().message;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(value_in(*first, test_key(t * 100 + i)), "v" + std::to_string(i));
      EXPECT_EQ(value_in(*second, test_key(t * 100 + i)), "v" + std::to_string(i));
    }
  }
}

}  // namespace
}  // namespace docmind::cache
