// AnswerCache: what was removed stays removed, whoever else has it in memory or is about to renew it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cache/answer_cache.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

AnswerScope scope_of_tenant() {
  AnswerScope scope;
  scope.tenant = "a";
  return scope;
}
const AnswerScope kScope = scope_of_tenant();

std::string question_of(int64_t n) { return "question " + std::to_string(n); }

class AnswerCacheRemovalTest : public testing::Test {
 protected:
  AnswerCacheRemovalTest() {
    options_.disk_path = folder_.path("cache.db");
    options_.directory_path = folder_.path("questions.db");
    options_.now = clock_.clock();
  }
  std::unique_ptr<AnswerCache> open_cache() {
    auto cache = AnswerCache::open(options_, nullptr);
    if (cache.ok()) return *std::move(cache);
    ADD_FAILURE() << cache.error().message;
    return nullptr;
  }
  // Returns the answer's id.
  static int64_t store(AnswerCache& cache, int64_t n) {
    CachedAnswer answer;
    answer.payload = "answer " + std::to_string(n);
    answer.dependencies = {{"/docs/a.md", "aa"}};
    answer.sources = {1};
    const auto id = cache.store(kScope, {question_of(n), {}, {}}, answer);
    EXPECT_TRUE(id.ok());
    return id.ok() ? *id : 0;
  }

  test::TempFolder folder_;
  TestClock clock_;
  AnswerCacheOptions options_;
};

TEST_F(AnswerCacheRemovalTest, WhatTheDirectoryLetGoIsNotServedOnAfterAnInvalidation) {
  options_.max_questions = 3;
  const auto cache = open_cache();
  for (int64_t n = 0; n < 20; ++n) store(*cache, n);
  ASSERT_TRUE(cache->invalidate({.document = "/docs/a.md"}).ok());
  for (int64_t n = 0; n < 20; ++n) EXPECT_FALSE(cache->lookup(kScope, question_of(n))) << n;
}

TEST_F(AnswerCacheRemovalTest, WhoRenewsAnAnswerDoesNotBringItBack) {
  const auto mine = open_cache();
  const auto theirs = open_cache();
  const int64_t id = store(*mine, 1);
  const auto held = mine->lookup(kScope, question_of(1));
  ASSERT_TRUE(held);
  ASSERT_TRUE(theirs->feedback("a", id, false).ok());
  const std::vector<int64_t> chunks = {1};
  const auto renewed = mine->revalidate(kScope, question_of(1), *held, 2, 9, {.chunk_ids = chunks},
                                        [](const std::string&) { return std::optional<std::string>("aa"); });
  EXPECT_EQ(renewed.freshness, Freshness::kStale);
  EXPECT_FALSE(mine->lookup(kScope, question_of(1)));
  EXPECT_FALSE(theirs->lookup(kScope, question_of(1)));
}

TEST_F(AnswerCacheRemovalTest, AnErasureMeansWhatIsThereNowNotWhatThisOneRemembers) {
  const auto mine = open_cache();
  const auto theirs = open_cache();
  store(*mine, 1);
  store(*theirs, 1);
  ASSERT_TRUE(mine->erase(kScope, question_of(1)).ok());
  EXPECT_FALSE(theirs->lookup(kScope, question_of(1)));
  EXPECT_EQ(theirs->directory()->counts()->n_records, 0);
}

TEST_F(AnswerCacheRemovalTest, ACacheThatNeverLookedUpFollowsOthersToo) {
  const auto mine = open_cache();
  const auto theirs = open_cache();
  const int64_t id = store(*mine, 1);
  ASSERT_TRUE(theirs->feedback("a", id, false).ok());
  EXPECT_FALSE(mine->lookup(kScope, question_of(1)));
}

}  // namespace
}  // namespace docmind::cache
