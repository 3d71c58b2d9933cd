// AnswerCache: exact scope, freshness after the store changed, age, damage, both tiers.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_cache.h"

#include <gtest/gtest.h>

#include <map>

#include "cache/disk_tier.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

const AnswerScope kScope = {.tenant = "tenant",
                            .session = "",
                            .store_id = "store",
                            .provider = "provider/1",
                            .embedder = "embedder/1",
                            .prompt_version = "prompt 1",
                            .language = "",
                            .settings = "top_k=5"};
constexpr std::string_view kQuestion = "What is a joule?";
const std::vector<int64_t> kRetrieved = {11, 12, 13};  // the sources come first

CachedAnswer sample_answer() {
  CachedAnswer answer;
  answer.payload = std::string("the answer\0with bytes\xff", 22);
  answer.dependencies = {{"/docs/a.md", "aa"}, {"/docs/b.pdf", "bb"}};
  answer.sources = {11, 12};
  answer.newest_chunk = 20;
  answer.generation = 7;
  answer.created_unix_ms = 1'700'000'000'000;
  return answer;
}

class AnswerCacheTest : public testing::Test {
 protected:
  AnswerCacheTest() {
    options_.disk_path = folder_.path("cache.db");
    options_.now = clock_.clock();
  }
  std::unique_ptr<AnswerCache> open(std::string* repaired = nullptr) {
    auto cache = AnswerCache::open(options_, repaired);
    if (!cache.ok()) {
      ADD_FAILURE() << cache.error().message;
      return nullptr;
    }
    return *std::move(cache);
  }
  static Result<int64_t> store(AnswerCache& cache, std::string_view question, const CachedAnswer& answer) {
    return cache.store(kScope, {.text = question, .vector = {}, .space = {}}, answer);
  }
  Freshness revalidate(AnswerCache& cache, const CachedAnswer& answer,
                       std::span<const int64_t> retrieved = kRetrieved) const {
    return cache
        .revalidate(kScope, kQuestion, answer, 8, 30, {.chunk_ids = retrieved, .top_k = 3}, hashes())
        .freshness;
  }
  ContentHashOf hashes() const {
    return [this](const std::string& path) -> std::optional<std::string> {
      const auto found = documents_.find(path);
      if (found == documents_.end()) return std::nullopt;
      return found->second;
    };
  }

  test::TempFolder folder_;
  TestClock clock_;
  AnswerCacheOptions options_;
  std::map<std::string, std::string> documents_ = {{"/docs/a.md", "aa"}, {"/docs/b.pdf", "bb"}};
};

TEST_F(AnswerCacheTest, ReturnsWhatWasStored) {
  auto cache = open();
  EXPECT_FALSE(cache->lookup(kScope, kQuestion));
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  CachedAnswer expected = sample_answer();
  expected.from_memory = true;
  const auto found = cache->lookup(kScope, "  what is a  joule");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, expected);
  EXPECT_EQ(check(*found, 7), Freshness::kFresh);
  const AnswerCacheStats stats = cache->stats();
  EXPECT_EQ(stats.hits, 1u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_EQ(stats.stored, 1u);
}

TEST_F(AnswerCacheTest, NeverCrossesAnyPartOfTheScope) {
  auto cache = open();
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  for (std::string AnswerScope::*part :
       {&AnswerScope::tenant, &AnswerScope::session, &AnswerScope::store_id,
        &AnswerScope::provider, &AnswerScope::embedder, &AnswerScope::prompt_version,
        &AnswerScope::language, &AnswerScope::settings}) {
    AnswerScope other = kScope;
    other.*part += "x";
    EXPECT_FALSE(cache->lookup(other, kQuestion)) << other.*part;
  }
  // Text that moves from one part to the next is another scope.
  AnswerScope shifted = kScope;
  shifted.tenant = "tenantstore";
  shifted.store_id = "";
  EXPECT_FALSE(cache->lookup(shifted, kQuestion));
  EXPECT_FALSE(cache->lookup(kScope, "What is a watt?"));
  EXPECT_TRUE(cache->lookup(kScope, kQuestion));
}

TEST_F(AnswerCacheTest, ServesFromDiskAfterAReopenThenFromMemory) {
  ASSERT_TRUE(store(*open(), kQuestion, sample_answer()).ok());
  auto cache = open();
  const auto first = cache->lookup(kScope, kQuestion);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->from_memory);
  EXPECT_EQ(first->payload, sample_answer().payload);
  EXPECT_TRUE(cache->lookup(kScope, kQuestion)->from_memory);
  ASSERT_EQ(cache->tier_stats().size(), 2u);
  EXPECT_EQ(cache->tier_stats()[0].name, "memory");
  EXPECT_EQ(cache->tier_stats()[1].name, "disk");
}

TEST_F(AnswerCacheTest, KnowsADiskOnlyCacheFromMemory) {
  options_.memory_bytes = 0;
  auto cache = open();
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  EXPECT_FALSE(cache->lookup(kScope, kQuestion)->from_memory);
}

TEST_F(AnswerCacheTest, KeepsAnAnswerThatAnUnrelatedChangeDidNotTouch) {
  auto cache = open();
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  const auto found = cache->lookup(kScope, kQuestion);
  ASSERT_EQ(check(*found, 8), Freshness::kNeedsRevalidation);
  EXPECT_EQ(revalidate(*cache, *found), Freshness::kFresh);
  const auto again = open()->lookup(kScope, kQuestion);  // on disk too
  ASSERT_TRUE(again);
  EXPECT_EQ(check(*again, 8), Freshness::kFresh);
  EXPECT_EQ(again->newest_chunk, 30);
  EXPECT_EQ(again->created_unix_ms, sample_answer().created_unix_ms);
  EXPECT_EQ(again->dependencies, sample_answer().dependencies);
  EXPECT_EQ(cache->stats().revalidated, 1u);
}

TEST_F(AnswerCacheTest, DropsAnAnswerWhoseDocumentsChanged) {
  const auto drops = [&](const std::vector<int64_t>& retrieved) {
    auto cache = open();
    EXPECT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
    const auto found = cache->lookup(kScope, kQuestion);
    const Freshness verdict = revalidate(*cache, *found, retrieved);
    EXPECT_EQ(cache->stats().stale, verdict == Freshness::kStale ? 1u : 0u);
    return verdict == Freshness::kStale && !cache->lookup(kScope, kQuestion) &&
           !open()->lookup(kScope, kQuestion);
  };
  EXPECT_FALSE(drops(kRetrieved));
  documents_["/docs/b.pdf"] = "changed";
  EXPECT_TRUE(drops(kRetrieved));
  documents_.erase("/docs/b.pdf");
  EXPECT_TRUE(drops(kRetrieved));
  documents_["/docs/b.pdf"] = "bb";
  EXPECT_FALSE(drops(kRetrieved));
}

TEST_F(AnswerCacheTest, JudgesByWhatIsRetrievedNow) {
  const auto judged = [&](const std::vector<int64_t>& retrieved) {
    return judge(sample_answer(), {.chunk_ids = retrieved, .top_k = 3}, hashes());
  };
  EXPECT_EQ(judged({11, 12, 13}).freshness, Freshness::kFresh);
  EXPECT_EQ(judged({11, 12, 13}).agreement, 1);
  // An old chunk may rank before its sources, a chunk that came later may not.
  EXPECT_EQ(judged({5, 12, 11}).freshness, Freshness::kFresh);
  EXPECT_EQ(judged({11, 21, 12}).freshness, Freshness::kStale);
  // Nor may it be among the passages that an answer would be made from.
  EXPECT_EQ(judged({11, 12, 21}).freshness, Freshness::kStale);
  EXPECT_EQ(judged({11, 12, 13, 21}).freshness, Freshness::kFresh);
  EXPECT_EQ(judged({11, 13, 14, 21, 12}).freshness, Freshness::kStale);
  // A source that is not found any more.
  EXPECT_EQ(judged({11, 13}).freshness, Freshness::kStale);
  EXPECT_NE(judged({11, 13}).reason.find("not found"), std::string::npos);
  const double lower = judged({11, 1, 2, 3, 4, 12}).agreement;
  EXPECT_GT(lower, 0.5);
  EXPECT_LT(lower, 1);
  documents_.erase("/docs/a.md");
  EXPECT_NE(judged({11, 12, 13}).reason.find("/docs/a.md"), std::string::npos);
}

TEST_F(AnswerCacheTest, ANegativeAnswerDiesWithAnyChange) {
  CachedAnswer negative = sample_answer();
  negative.negative = true;
  EXPECT_EQ(check(negative, 7), Freshness::kFresh);
  EXPECT_EQ(judge(negative, {.chunk_ids = kRetrieved, .top_k = 3}, hashes()).freshness,
            Freshness::kStale);
}

TEST_F(AnswerCacheTest, DistrustsAnOlderGenerationToo) {
  EXPECT_EQ(check(sample_answer(), 6), Freshness::kNeedsRevalidation);
}

TEST_F(AnswerCacheTest, DropsAnswersByAgeAndRevalidationGrantsNoMore) {
  options_.ttl_ms = 1'000;
  auto cache = open();
  CachedAnswer answer = sample_answer();
  answer.created_unix_ms = 0;
  ASSERT_TRUE(store(*cache, kQuestion, answer).ok());
  const auto found = cache->lookup(kScope, kQuestion);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->created_unix_ms, clock_.now());
  clock_.advance_ms(600);
  EXPECT_EQ(revalidate(*cache, *found), Freshness::kFresh);
  clock_.advance_ms(399);
  EXPECT_TRUE(cache->lookup(kScope, kQuestion));
  clock_.advance_ms(1);
  EXPECT_FALSE(cache->lookup(kScope, kQuestion));
}

TEST_F(AnswerCacheTest, ForgetsOneAnswerOrAll) {
  auto cache = open();
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  ASSERT_TRUE(store(*cache, "another", sample_answer()).ok());
  ASSERT_TRUE(cache->erase(kScope, kQuestion).ok());
  EXPECT_FALSE(cache->lookup(kScope, kQuestion));
  EXPECT_TRUE(cache->lookup(kScope, "another"));
  ASSERT_TRUE(cache->clear().ok());
  EXPECT_FALSE(cache->lookup(kScope, "another"));
}

TEST_F(AnswerCacheTest, MissesAndErasesWhatItCannotDecode) {
  // Bytes that another version of the encoding wrote: their checksum is right.
  {
    auto disk = DiskTier::open({.path = options_.disk_path});
    ASSERT_TRUE(disk.ok());
    ASSERT_TRUE(
        (*disk)->put(AnswerCache::key_of(kScope, kQuestion), make_entry("\x63 new format")).ok());
  }
  auto cache = open();
  EXPECT_FALSE(cache->lookup(kScope, kQuestion));
  EXPECT_EQ(cache->stats().damaged, 1u);
  EXPECT_EQ(cache->stats().misses, 1u);
  EXPECT_EQ(cache->tier_stats()[1].n_entries, 0);
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  EXPECT_TRUE(cache->lookup(kScope, kQuestion));
}

TEST_F(AnswerCacheTest, SaysThatADamagedFileWasReplaced) {
  folder_.write("cache.db", std::string(9'000, 'j'));
  std::string repaired;
  auto cache = open(&repaired);
  EXPECT_NE(repaired.find("corrupt"), std::string::npos) << repaired;
  ASSERT_TRUE(store(*cache, kQuestion, sample_answer()).ok());
  cache.reset();
  open(&repaired);
  EXPECT_EQ(repaired, "");
}

TEST_F(AnswerCacheTest, RefusesAnAnswerBeyondTheLimits) {
  auto cache = open();
  CachedAnswer answer = sample_answer();
  answer.payload.assign(kMaxPayloadBytes + 1, 'x');
  const auto stored = store(*cache, kQuestion, answer);
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().code, ErrorCode::kLimit);
  EXPECT_NE(stored.error().message.find(std::to_string(kMaxPayloadBytes)), std::string::npos);
}

}  // namespace
}  // namespace docmind::cache
