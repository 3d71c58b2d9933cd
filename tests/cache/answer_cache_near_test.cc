// AnswerCache's near questions: scopes, the threshold, guards, feedback, invalidation, other processes.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "cache/answer_cache.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

constexpr std::string_view kAsked = "How do I reset the router?";

AnswerScope scope_of(const std::string& tenant) {
  AnswerScope scope;
  scope.tenant = tenant;
  scope.provider = "provider/1";
  return scope;
}

// A unit vector with this cosine to the first axis.
std::vector<float> at_cosine(double cosine) {
  std::vector<float> vector(64, 0.0F);
  vector[0] = static_cast<float>(cosine);
  vector[1] = static_cast<float>(std::sqrt(1 - cosine * cosine));
  return vector;
}

class AnswerCacheNearTest : public testing::Test {
 protected:
  AnswerCacheNearTest() {
    options_.disk_path = folder_.path("cache.db");
    options_.directory_path = folder_.path("questions.db");
    options_.now = clock_.clock();
  }
  std::unique_ptr<AnswerCache> open() {
    auto cache = AnswerCache::open(options_, nullptr);
    if (cache.ok()) return *std::move(cache);
    ADD_FAILURE() << cache.error().message;
    return nullptr;
  }
  // Returns the answer's id.
  static int64_t store(AnswerCache& cache, std::string_view question,
                       const std::vector<float>& vector, const std::string& tenant = "a",
                       const std::string& document = "/docs/a.md", bool negative = false) {
    CachedAnswer answer;
    answer.payload = "answer to " + std::string(question);
    answer.dependencies = {{document, "aa"}};
    answer.sources = {1};
    answer.negative = negative;
    answer.cost_ms = 250;
    answer.cost_tokens = 40;
    const auto id = cache.store(scope_of(tenant), {question, vector, "space"}, answer);
    EXPECT_TRUE(id.ok());
    return id.ok() ? *id : 0;
  }
  static std::vector<NearAnswer> near(AnswerCache& cache, std::string_view question = kAsked,
                                      const std::string& tenant = "a",
                                      std::string_view space = "space") {
    const std::vector<float> vector = at_cosine(1);
    return cache.near_answers(scope_of(tenant), {question, vector, space});
  }
  static HitDecision decide(const AnswerCache& cache, NearAnswer candidate, double agreement = 1) {
    candidate.features.evidence_agreement = agreement;
    return cache.decide(candidate);
  }

  test::TempFolder folder_;
  TestClock clock_;
  AnswerCacheOptions options_;
};

TEST_F(AnswerCacheNearTest, FindsQuestionsInOtherWordsBestFirst) {
  auto cache = open();
  store(*cache, "How can I reset a router?", at_cosine(0.95));
  store(*cache, "Resetting the router, how?", at_cosine(0.92));
  store(*cache, "Who sells routers?", at_cosine(0.3));
  const std::vector<NearAnswer> found = near(*cache);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].question, "How can I reset a router?");
  EXPECT_NEAR(found[0].features.similarity, 0.95, 0.01);
  EXPECT_GT(found[0].features.margin, 0);
  EXPECT_EQ(found[0].answer.payload, "answer to How can I reset a router?");
  EXPECT_EQ(decide(*cache, found[0]), HitDecision::kServe);
  // After a restart too.
  cache.reset();
  cache = open();
  EXPECT_EQ(near(*cache).size(), 2u);
}

TEST_F(AnswerCacheNearTest, ScopesNeverMix) {
  auto cache = open();
  store(*cache, "How can I reset a router?", at_cosine(0.95), "a");
  EXPECT_EQ(near(*cache, kAsked, "a").size(), 1u);
  EXPECT_TRUE(near(*cache, kAsked, "b").empty());
  EXPECT_TRUE(near(*cache, kAsked, "a", "another space").empty());
}

TEST_F(AnswerCacheNearTest, TheThresholdTheBandAndTheEvidenceDecide) {
  auto cache = open();
  const auto decided = [&](double cosine, double agreement) {
    EXPECT_TRUE(cache->clear().ok());
    store(*cache, "How can I reset a router?", at_cosine(cosine));
    const std::vector<NearAnswer> found = near(*cache);
    return found.empty() ? HitDecision::kMiss : decide(*cache, found[0], agreement);
  };
  EXPECT_EQ(decided(0.91, 1), HitDecision::kServe);
  EXPECT_EQ(decided(0.91, 0.4), HitDecision::kMiss);
  EXPECT_EQ(decided(0.87, 1), HitDecision::kVerify);
  EXPECT_EQ(decided(0.80, 1), HitDecision::kMiss);
}

TEST_F(AnswerCacheNearTest, AGuardStopsWhatTheVectorsCannotTellApart) {
  auto cache = open();
  store(*cache, "How do I reset the router of 2019?", at_cosine(0.99));
  const std::vector<NearAnswer> found = near(*cache, "How do I reset the router of 2021?");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FALSE(found[0].guards.passed());
  EXPECT_NE(found[0].guards.reason.find("2021"), std::string::npos) << found[0].guards.reason;
  EXPECT_EQ(decide(*cache, found[0]), HitDecision::kMiss);
}

TEST_F(AnswerCacheNearTest, NegativeAnswersAndTheQuestionItselfAreNoCandidates) {
  auto cache = open();
  store(*cache, "How can I reset a router?", at_cosine(0.95), "a", "/docs/a.md", true);
  store(*cache, kAsked, at_cosine(1));
  EXPECT_TRUE(near(*cache).empty());
}

TEST_F(AnswerCacheNearTest, ABadJudgementForgetsAndTeaches) {
  auto cache = open();
  const int64_t id = store(*cache, "How can I reset a router?", at_cosine(0.95));
  const std::vector<NearAnswer> found = near(*cache);
  ASSERT_EQ(found.size(), 1u);
  cache->note_served(found[0].answer, &found[0]);
  EXPECT_EQ(cache->stats().near_hits, 1u);
  EXPECT_EQ(cache->stats().saved_tokens, 40);
  EXPECT_EQ(cache->feedback("b", id, false).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(cache->feedback("a", id, false).ok());
  EXPECT_TRUE(near(*cache).empty());
  EXPECT_FALSE(cache->lookup(scope_of("a"), "How can I reset a router?"));
  EXPECT_EQ(cache->calibration()->n_observations, 1u);
  EXPECT_EQ(cache->calibration()->n_wrong, 1u);
  EXPECT_EQ(cache->feedback("a", id, false).error().code, ErrorCode::kNotFound);
  // What was learned outlives the process.
  cache.reset();
  EXPECT_EQ(open()->calibration()->n_wrong, 1u);
}

TEST_F(AnswerCacheNearTest, InvalidatesByDocumentFolderAndTenant) {
  auto cache = open();
  const auto fill = [&] {
    store(*cache, "one", at_cosine(0.9), "a", "/docs/a.md");
    store(*cache, "two", at_cosine(0.8), "a", "/docs/sub/b.md");
    store(*cache, "three", at_cosine(0.7), "b", "/docs/sub/b.md");
  };
  fill();
  EXPECT_EQ(*cache->invalidate({.document = "/docs/a.md"}), 1);
  EXPECT_FALSE(cache->lookup(scope_of("a"), "one"));
  fill();
  EXPECT_EQ(*cache->invalidate({.folder = "/docs/sub", .tenant = "a"}), 1);
  EXPECT_TRUE(cache->lookup(scope_of("b"), "three"));
  EXPECT_EQ(*cache->invalidate({.folder = "/docs"}), 2);
  EXPECT_TRUE(near(*cache).empty());
}

TEST_F(AnswerCacheNearTest, SeesWhatAnotherProcessStoredAndForgot) {
  auto mine = open();
  auto theirs = open();
  EXPECT_TRUE(near(*mine).empty());
  const int64_t id = store(*theirs, "How can I reset a router?", at_cosine(0.95));
  EXPECT_TRUE(mine->lookup(scope_of("a"), "How can I reset a router?"));
  EXPECT_EQ(near(*mine).size(), 1u);
  ASSERT_TRUE(theirs->feedback("a", id, false).ok());
  // Although it lies in this one's memory.
  EXPECT_FALSE(mine->lookup(scope_of("a"), "How can I reset a router?"));
  EXPECT_TRUE(near(*mine).empty());
}

TEST_F(AnswerCacheNearTest, CalibratedServesNothingUntilItLearnedEnough) {
  options_.near.max_wrong_share = 0.05;
  auto cache = open();
  store(*cache, "How can I reset a router?", at_cosine(0.97));
  EXPECT_EQ(decide(*cache, near(*cache)[0]), HitDecision::kMiss);
  // Near ones were right, far ones wrong.
  std::vector<Observation> observations;
  NearAnswer candidate = near(*cache)[0];
  candidate.features.evidence_agreement = 1;
  for (int i = 0; i < 2'000; ++i) {
    Observation observation{.features = candidate.features, .same = i % 2 == 0};
    observation.features.similarity = observation.same ? 0.97 : 0.6;
    observations.push_back(observation);
  }
  ASSERT_TRUE(cache->teach(observations).ok());
  ASSERT_TRUE(cache->calibration()->threshold);
  EXPECT_EQ(decide(*cache, near(*cache)[0]), HitDecision::kServe);
  NearAnswer far = near(*cache)[0];
  far.features.similarity = 0.6;
  EXPECT_EQ(decide(*cache, far), HitDecision::kMiss);
}

TEST_F(AnswerCacheNearTest, AnswersWithoutAVectorAreFoundByTheirWordsOnly) {
  auto cache = open();
  store(*cache, kAsked, {});
  EXPECT_TRUE(cache->lookup(scope_of("a"), kAsked));
  EXPECT_TRUE(near(*cache, "another").empty());
}

}  // namespace
}  // namespace docmind::cache
