// AnswerCache's tenants: the work for one does not depend on what others have, and none reaches another's.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cache/answer_cache.h"
#include "cache/near_index.h"
#include "cache_test_support.h"
#include "index/vector_matrix.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

constexpr int64_t kFew = 20;
constexpr int64_t kMany = 5'000;
constexpr std::string_view kSpace = "space";

AnswerScope scope_of(const std::string& tenant) {
  AnswerScope scope;
  scope.tenant = tenant;
  return scope;
}

Digest near_scope(const std::string& tenant) { return AnswerCache::near_scope_of(scope_of(tenant), kSpace); }

std::vector<float> random_direction(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> vector(32);
  float length = 0;
  for (float& x : vector) {
    x = normal(random);
    length += x * x;
  }
  for (float& x : vector) x /= std::sqrt(length);
  return vector;
}

std::string question_of(int64_t n) { return "question " + std::to_string(n); }

class AnswerCacheTenantTest : public testing::Test {
 protected:
  AnswerCacheTenantTest() {
    options_.disk_path = folder_.path("cache.db");
    options_.directory_path = folder_.path("questions.db");
    options_.now = clock_.clock();
  }
  // Questions of a tenant in the directory, without answers.
  void remember(AnswerDirectory& directory, const std::string& tenant, int64_t n_questions) {
    for (int64_t n = 0; n < n_questions; ++n) {
      AnswerRecord record;
      record.key = AnswerCache::key_of(scope_of(tenant), question_of(n));
      record.scope = near_scope(tenant);
      record.tenant = tenant;
      record.question = question_of(n);
      record.vector = index::encode_vector(random_direction(static_cast<uint64_t>(n)));
      record.dependencies = {{"/docs/a.md", "aa"}};
      ASSERT_TRUE(directory.insert(record).ok());
    }
  }
  std::unique_ptr<AnswerDirectory> open_directory(const std::string& name) {
    auto directory = AnswerDirectory::open({.path = folder_.path(name), .now = clock_.clock()});
    if (directory.ok()) return *std::move(directory);
    ADD_FAILURE() << directory.error().message;
    return nullptr;
  }
  std::unique_ptr<AnswerCache> open_cache() {
    auto cache = AnswerCache::open(options_, nullptr);
    if (cache.ok()) return *std::move(cache);
    ADD_FAILURE() << cache.error().message;
    return nullptr;
  }
  int64_t store(AnswerCache& cache, const std::string& tenant, int64_t n) {
    CachedAnswer answer;
    answer.payload = tenant + " " + question_of(n);
    answer.dependencies = {{"/docs/a.md", "aa"}};
    answer.sources = {1};
    const std::vector<float> vector = random_direction(static_cast<uint64_t>(n));
    const auto id = cache.store(scope_of(tenant), {question_of(n), vector, kSpace}, answer);
    EXPECT_TRUE(id.ok());
    return id.ok() ? *id : 0;
  }
  // Whether all answers of `tenant` are there, exactly and as neighbours of themselves.
  void expect_untouched(AnswerCache& cache, const std::string& tenant) {
    for (int64_t n = 0; n < kFew; ++n) {
      const auto found = cache.lookup(scope_of(tenant), question_of(n));
      ASSERT_TRUE(found) << tenant << n;
      EXPECT_EQ(found->payload, tenant + " " + question_of(n));
      const std::vector<float> vector = random_direction(static_cast<uint64_t>(n));
      const auto nears = cache.near_answers(scope_of(tenant), {"something else", vector, kSpace});
      ASSERT_FALSE(nears.empty());
      EXPECT_EQ(nears[0].answer.payload, found->payload);
    }
    EXPECT_EQ(cache.directory()->list(tenant, kMany)->size(), static_cast<size_t>(kFew));
  }

  test::TempFolder folder_;
  TestClock clock_;
  AnswerCacheOptions options_;
};

TEST_F(AnswerCacheTenantTest, ALookupReadsAndComparesOnlyItsOwnTenantsQuestions) {
  const auto alone = open_directory("alone.db");
  const auto shared = open_directory("shared.db");
  remember(*alone, "a", kFew);
  remember(*shared, "b", kMany);
  remember(*shared, "a", kFew);
  int64_t n_read = 0;
  ASSERT_TRUE(shared->visit_vectors(near_scope("a"), 0, [&](const AnswerVector&) { ++n_read; }).ok());
  EXPECT_EQ(n_read, kFew);
  // What is compared in memory is as large as without the other tenant.
  NearIndex of_alone(*alone, 4);
  NearIndex of_shared(*shared, 4);
  const auto n_found = [](NearIndex& near) {
    return near.search(near_scope("a"), random_direction(3), 50, -1)->size();
  };
  EXPECT_EQ(n_found(of_alone), static_cast<size_t>(kFew));
  EXPECT_EQ(n_found(of_shared), static_cast<size_t>(kFew));
  EXPECT_EQ(of_shared.size_bytes(), of_alone.size_bytes());
  // The other one's questions come and go without this one's being touched.
  const size_t before = of_shared.size_bytes();
  of_shared.add(near_scope("b"), 77, index::encode_vector(random_direction(77)));
  of_shared.remove(near_scope("b"), 1);
  EXPECT_EQ(of_shared.size_bytes(), before);
  EXPECT_EQ(n_found(of_shared), static_cast<size_t>(kFew));
}

TEST_F(AnswerCacheTenantTest, NothingThatATenantDoesReachesAnothersAnswers) {
  const auto cache = open_cache();
  std::vector<int64_t> of_a;
  std::vector<int64_t> of_b;
  for (int64_t n = 0; n < kFew; ++n) {
    of_a.push_back(store(*cache, "a", n));
    of_b.push_back(store(*cache, "b", n));
  }
  const auto listed = cache->directory()->list("a", kMany);
  ASSERT_EQ(listed->size(), static_cast<size_t>(kFew));
  for (const AnswerRecord& record : *listed) EXPECT_EQ(record.tenant, "a");
  for (const int64_t id : of_b) {
    const Status stranger = cache->feedback("a", id, false);
    ASSERT_FALSE(stranger.ok());
    // The same words as for an answer that does not exist.
    const std::string unknown = std::to_string(id + 1'000'000);
    std::string words = cache->feedback("a", id + 1'000'000, false).error().message;
    words.replace(words.find(unknown), unknown.size(), std::to_string(id));
    EXPECT_EQ(stranger.error().message, words);
  }
  expect_untouched(*cache, "b");
  ASSERT_TRUE(cache->feedback("a", of_a[0], false).ok());
  ASSERT_TRUE(cache->erase(scope_of("a"), question_of(1)).ok());
  EXPECT_EQ(*cache->invalidate({.tenant = "a"}), kFew - 2);
  EXPECT_FALSE(cache->lookup(scope_of("a"), question_of(2)));
  EXPECT_TRUE(cache->directory()->list("a", kMany)->empty());
  expect_untouched(*cache, "b");
}

}  // namespace
}  // namespace docmind::cache
