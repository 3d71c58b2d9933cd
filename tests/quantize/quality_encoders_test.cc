// The quality of embedders and rerankers, against small sets and models of a few lines.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_encoders.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "quality_fakes.h"

namespace docmind::quantize {
namespace {

using test::EmbedRule;
using test::FakeAccess;

const LabelledSet kSmallSet = {.documents = {"a0", "b1", "c2", "d3"},
                               .queries = {{.text = "q0", .relevant = {{0, 1}}}, {.text = "q3", .relevant = {{3, 2}}}}};

// Texts lie on a quarter of a circle, by their digit; `turn` moves some of them.
EmbedRule on_circle(std::map<std::string, double, std::less<>> turn = {}) {
  return [turn](std::string_view text) {
    const auto found = turn.find(text);
    const double angle = 0.4 * (text[1] - '0') + (found == turn.end() ? 0 : found->second);
    return std::vector<float>{static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
  };
}

Result<Quality> measure(FakeAccess& access, std::optional<LabelledSet> set = kSmallSet) {
  QualityOptions options;
  options.labelled = std::move(set);
  options.sample_name = "small.jsonl";
  return measure_quality(access, "big", "small", options);
}

TEST(QualityOfEmbedders, EqualModelsAreEqual) {
  FakeAccess access;
  access.embedders["big"] = access.embedders["small"] = {2, on_circle()};
  const Result<Quality> quality = measure(access);
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  const EmbeddingQuality& q = *quality->embedding;
  EXPECT_NEAR(q.mean_cosine, 1, 1e-7);
  EXPECT_NEAR(q.cosine_1, 1, 1e-7);
  EXPECT_NEAR(q.kendall_tau, 1, 1e-12);
  EXPECT_EQ(q.source_ndcg_10, 1);
  EXPECT_EQ(q.ndcg_10, 1);
  EXPECT_EQ(q.n_texts, 6);
  EXPECT_EQ(q.n_queries, 2);
  EXPECT_TRUE(quality->passes);
  EXPECT_EQ(quality->sample, "small.jsonl");
}

TEST(QualityOfEmbedders, ATurnedDocumentShowsInEveryFigure) {
  FakeAccess access;
  access.embedders["big"] = {2, on_circle()};
  access.embedders["small"] = {2, on_circle({{"d3", -0.5}})};  // from 1.2 to 0.7, between b1 and c2
  const Result<Quality> quality = measure(access);
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  const EmbeddingQuality& q = *quality->embedding;
  EXPECT_NEAR(q.mean_cosine, (5 + std::cos(0.5)) / 6, 1e-7);
  EXPECT_NEAR(q.cosine_1, std::cos(0.5), 1e-7);
  // One pair of six in the order for q0; for q3 (1.2) the order d, c, b, a becomes c, d, b, a.
  EXPECT_NEAR(q.kendall_tau, 4.0 / 6, 1e-12);
  EXPECT_NEAR(q.ndcg_10, (1 + 1 / std::log2(3.0)) / 2, 1e-12);
  EXPECT_FALSE(quality->passes);
}

TEST(QualityOfEmbedders, AFailureIsNeverAScore) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto fails = [](EmbedRule rule, int64_t dimension, ErrorCode code, std::string_view says) {
    FakeAccess access;
    access.embedders["big"] = {2, on_circle()};
    access.embedders["small"] = {dimension, std::move(rule)};
    const Result<Quality> quality = measure(access);
    ASSERT_FALSE(quality.ok()) << says;
    EXPECT_EQ(quality.error().code, code) << quality.error().message;
    EXPECT_NE(quality.error().message.find(says), std::string::npos) << quality.error().message;
  };
  fails([](std::string_view) { return std::vector<float>{0, 0}; }, 2, ErrorCode::kMalformed,
        "'small': the vector of \"a0\" is zero");
  fails([nan](std::string_view) { return std::vector<float>{nan, 1}; }, 2, ErrorCode::kMalformed, "no numbers");
  fails([](std::string_view) { return std::vector<float>{1, 0, 0}; }, 3, ErrorCode::kMismatch,
        "3 values and the source's 2");
  fails([](std::string_view) { return std::vector<float>{1, 0}; }, 2, ErrorCode::kMalformed, "the same score");
  fails([](std::string_view) { return std::vector<float>{}; }, 0, ErrorCode::kMalformed, "no values");
}

TEST(QualityOfEmbedders, ASetMustSaySomething) {
  FakeAccess access;
  access.embedders["big"] = access.embedders["small"] = {2, on_circle()};
  const std::vector<LabelledSet> sets = {
      {},
      {.documents = {"a0", "b1"}, .queries = {}},
      {.documents = {"a0"}, .queries = {{.text = "q0", .relevant = {{0, 1}}}}},
      {.documents = {"a0", "b1"}, .queries = {{.text = "q0", .relevant = {}}}},
      {.documents = {"a0", "b1"}, .queries = {{.text = "q0", .relevant = {{2, 1}}}}},
      {.documents = {"a0", "b1"}, .queries = {{.text = "q0", .relevant = {{1, 0}}}}},
  };
  for (const LabelledSet& set : sets) {
    const Result<Quality> quality = measure(access, set);
    ASSERT_FALSE(quality.ok());
    EXPECT_EQ(quality.error().code, ErrorCode::kInvalidArgument) << quality.error().message;
  }
}

// --- rerankers ---

float distance_logit(std::string_view query, std::string_view document) {
  return -static_cast<float>(std::abs(query[1] - document[1])) - 0.01f * static_cast<float>(document[1] - '0');
}

TEST(QualityOfRerankers, EqualModelsAreEqual) {
  FakeAccess access;
  access.rerankers["big"] = access.rerankers["small"] = distance_logit;
  const Result<Quality> quality = measure(access);
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  const RerankQuality& q = *quality->rerank;
  EXPECT_NEAR(q.spearman, 1, 1e-12);
  EXPECT_EQ(q.top_k_overlap, 1);
  EXPECT_EQ(q.k, 1);  // of four
  EXPECT_EQ(q.mean_probability_change, 0);
  EXPECT_EQ(q.n_pairs, 8);
  EXPECT_EQ(q.ndcg_10, 1);
  EXPECT_TRUE(quality->passes);
}

TEST(QualityOfRerankers, AnotherOrderShowsInEveryFigure) {
  FakeAccess access;
  access.rerankers["big"] = distance_logit;
  access.rerankers["small"] = [](std::string_view query, std::string_view document) {
    if (query == "q0" && document == "a0") return -1.5f;  // from the first place to the second, 0 before
    return distance_logit(query, document);
  };
  const Result<Quality> quality = measure(access);
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  const RerankQuality& q = *quality->rerank;
  EXPECT_NEAR(q.spearman, (0.8 + 1) / 2, 1e-12);
  EXPECT_NEAR(q.top_k_overlap, 0.5, 1e-12);
  EXPECT_NEAR(q.mean_probability_change, (0.5 - 1 / (1 + std::exp(1.5))) / 8, 1e-7);
  EXPECT_NEAR(q.source_ndcg_10, 1, 1e-12);
  EXPECT_NEAR(q.ndcg_10, (1 + 1 / std::log2(3.0)) / 2, 1e-12);
  EXPECT_FALSE(quality->passes);  // Spearman's coefficient is below 0.95
}

TEST(QualityOfRerankers, AFailureIsNeverAScore) {
  FakeAccess access;
  access.rerankers["big"] = distance_logit;
  access.rerankers["small"] = [](std::string_view, std::string_view) { return 1.0f; };
  EXPECT_EQ(measure(access).error().code, ErrorCode::kMalformed);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  access.rerankers["small"] = [nan](std::string_view, std::string_view) { return nan; };
  const Result<Quality> quality = measure(access);
  ASSERT_FALSE(quality.ok());
  EXPECT_NE(quality.error().message.find("'small'"), std::string::npos) << quality.error().message;
}

TEST(QualityOfRerankers, CandidatesAreAnswersThenWhatSharesWords) {
  const LabelledSet set = {.documents = {"a red house", "a blue car on the road", "tea", "the car was red", "noise"},
                           .queries = {{.text = "red cars", .relevant = {{4, 1}, {2, 2}}}}};
  EXPECT_EQ(choose_candidates(set, 4), (std::vector<std::vector<size_t>>{{2, 4, 3, 0}}));
  EXPECT_EQ(choose_candidates(set, 16).front().size(), 5u);
}

}  // namespace
}  // namespace docmind::quantize
