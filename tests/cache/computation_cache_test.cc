// ComputationCache: what is kept where, across opens, kinds apart, limits and statistics.
// SPDX-License-Identifier: Apache-2.0
#include "cache/computation_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

class ComputationCacheTest : public testing::Test {
 protected:
  std::unique_ptr<ComputationCache> open(int64_t memory_bytes = 1 << 20) {
    auto cache = ComputationCache::open(
        {.disk_path = path_, .memory_bytes = memory_bytes, .now = clock_.clock()}, &repaired_);
    if (!cache.ok()) {
      ADD_FAILURE() << cache.error().message;
      return nullptr;
    }
    return *std::move(cache);
  }
  static std::string found(ComputationCache& cache, Computation computation, int64_t n) {
    const auto value = cache.find(computation, test_key(n));
    return value == nullptr ? "(none)" : *value;
  }

  test::TempFolder folder_;
  std::string path_ = folder_.path("computed.db");
  std::string repaired_;
  TestClock clock_;
};

TEST_F(ComputationCacheTest, KeepsResultsAcrossOpensButForRetrievals) {
  {
    auto cache = open();
    cache->keep(Computation::kEmbedding, test_key(1), "vector", 12);
    cache->keep(Computation::kRerank, test_key(2), "scores", 30);
    cache->keep(Computation::kParsedFile, test_key(3), "text", 400);
    cache->keep(Computation::kRetrieval, test_key(4), "hits", 2);
    EXPECT_EQ(found(*cache, Computation::kRetrieval, 4), "hits");
    ASSERT_TRUE(cache->flush().ok());
    EXPECT_EQ(cache->tier_stats()[1].n_entries, 3);
  }
  auto cache = open();
  EXPECT_EQ(repaired_, "");
  EXPECT_EQ(found(*cache, Computation::kEmbedding, 1), "vector");
  EXPECT_EQ(found(*cache, Computation::kRerank, 2), "scores");
  EXPECT_EQ(found(*cache, Computation::kParsedFile, 3), "text");
  EXPECT_EQ(found(*cache, Computation::kRetrieval, 4), "(none)");
}

TEST_F(ComputationCacheTest, KeepsTheKindsApart) {
  auto cache = open();
  cache->keep(Computation::kEmbedding, test_key(1), "vector", 1);
  EXPECT_EQ(found(*cache, Computation::kRerank, 1), "(none)");
  EXPECT_EQ(found(*cache, Computation::kRetrieval, 1), "(none)");
  cache->keep(Computation::kRetrieval, test_key(1), "hits", 1);
  EXPECT_EQ(found(*cache, Computation::kEmbedding, 1), "vector");
  EXPECT_EQ(found(*cache, Computation::kRetrieval, 1), "hits");
}

TEST_F(ComputationCacheTest, CountsByKindWhatHitsSaved) {
  auto cache = open();
  cache->keep(Computation::kEmbedding, test_key(1), "vector", 12.5);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(found(*cache, Computation::kEmbedding, 1), "vector");
  EXPECT_EQ(found(*cache, Computation::kEmbedding, 2), "(none)");
  EXPECT_EQ(found(*cache, Computation::kRerank, 1), "(none)");
  const auto stats = cache->stats();
  ASSERT_EQ(stats.size(), kComputationCount);
  EXPECT_EQ(stats[0].name, "embedding");
  EXPECT_EQ(stats[0].n_hits, 2u);
  EXPECT_EQ(stats[0].n_misses, 1u);
  EXPECT_DOUBLE_EQ(stats[0].saved_ms, 25);
  EXPECT_EQ(stats[1].name, "rerank");
  EXPECT_EQ(stats[1].n_misses, 1u);
  EXPECT_EQ(stats[3].name, "parsed_file");
  // What the disk gives after a new start saved as much.
  ASSERT_TRUE(cache->flush().ok());
  cache.reset();
  cache = open();
  EXPECT_EQ(found(*cache, Computation::kEmbedding, 1), "vector");
  EXPECT_DOUBLE_EQ(cache->stats()[0].saved_ms, 12.5);
  EXPECT_DOUBLE_EQ(cache->tier_stats()[1].saved_ms, 12.5);
}

TEST_F(ComputationCacheTest, WorksWithoutMemoryAndWithoutADisk) {
  auto disk_only = open(0);
  disk_only->keep(Computation::kEmbedding, test_key(1), "vector", 1);
  EXPECT_EQ(found(*disk_only, Computation::kEmbedding, 1), "vector");
  ASSERT_TRUE(disk_only->flush().ok());
  EXPECT_EQ(found(*disk_only, Computation::kEmbedding, 1), "vector");
  disk_only->keep(Computation::kRetrieval, test_key(2), "hits", 1);
  EXPECT_EQ(found(*disk_only, Computation::kRetrieval, 2), "(none)");
  auto memory_only = ComputationCache::open({}, nullptr);
  ASSERT_TRUE(memory_only.ok());
  (*memory_only)->keep(Computation::kEmbedding, test_key(1), "vector", 1);
  EXPECT_EQ(found(**memory_only, Computation::kEmbedding, 1), "vector");
  EXPECT_TRUE((*memory_only)->flush().ok());
  EXPECT_TRUE((*memory_only)->set_limits(1 << 20, 1 << 20).ok());
  EXPECT_EQ((*memory_only)->tier_stats().size(), 1u);
}

TEST_F(ComputationCacheTest, ClearsAllAndChangesItsLimits) {
  auto cache = open();
  for (int i = 0; i < 50; ++i) cache->keep(Computation::kEmbedding, test_key(i), noise(8'000), 1);
  cache->keep(Computation::kRetrieval, test_key(1), "hits", 1);
  ASSERT_TRUE(cache->flush().ok());
  ASSERT_TRUE(cache->set_limits(300'000, 200'000).ok());
  EXPECT_LE(cache->tier_stats()[0].size_bytes, 300'000);
  EXPECT_LE(cache->tier_stats()[1].size_bytes, 200'000);
  EXPECT_GT(cache->tier_stats()[1].n_entries, 10);
  ASSERT_TRUE(cache->clear().ok());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(found(*cache, Computation::kEmbedding, i), "(none)");
  EXPECT_EQ(found(*cache, Computation::kRetrieval, 1), "(none)");
}

TEST_F(ComputationCacheTest, SaysWhatItRepaired) {
  folder_.write("computed.db", std::string(5'000, '?'));
  auto cache = open();
  EXPECT_NE(repaired_.find("computed.db.corrupt"), std::string::npos) << repaired_;
  cache->keep(Computation::kEmbedding, test_key(1), "vector", 1);
  EXPECT_EQ(found(*cache, Computation::kEmbedding, 1), "vector");
  const auto nowhere = ComputationCache::open({.disk_path = folder_.path("no/x.db")}, &repaired_);
  EXPECT_FALSE(nowhere.ok());
}

TEST_F(ComputationCacheTest, ServesManyThreads) {
  auto cache = open(50'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        const int n = i % 60 + 40 * t;
        const std::string value = "value " + std::to_string(n);
        const std::string got = found(*cache, Computation::kEmbedding, n);
        EXPECT_TRUE(got == "(none)" || got == value) << got;
        if (got == "(none)") cache->keep(Computation::kEmbedding, test_key(n), value, 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(cache->flush().ok());
  EXPECT_EQ(cache->stats()[0].n_hits + cache->stats()[0].n_misses, 1'200u);
  for (int n = 0; n < 180; ++n) {
    EXPECT_EQ(found(*cache, Computation::kEmbedding, n), "value " + std::to_string(n));
  }
}

}  // namespace
}  // namespace docmind::cache
