// Verdicts by the rules, their sentences, and the JSON of a measurement.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_verdict.h"

#include <gtest/gtest.h>

namespace docmind::quantize {
namespace {

Quality judged(double ratio, double same_top, QualityRule rule, double least = 0.95) {
  Quality quality;
  quality.rule = rule;
  quality.least = least;
  quality.language = LanguageQuality{.n_tokens = 2'000, .n_contexts = 4, .mean_kld = 0.01, .median_kld = 0.005,
                                     .kld_99_9 = 0.2, .worst_kld = 0.3, .same_top = same_top, .source_perplexity = 10,
                                     .perplexity = 10 * ratio};
  judge(quality);
  return quality;
}

TEST(Verdict, TheRulesDecide) {
  EXPECT_TRUE(judged(1.05, 0.5, QualityRule::kPerplexity).passes);
  EXPECT_FALSE(judged(1.06, 1, QualityRule::kPerplexity).passes);
  EXPECT_TRUE(judged(2, 0.95, QualityRule::kSameTop).passes);
  EXPECT_FALSE(judged(1, 0.9499, QualityRule::kSameTop).passes);
  EXPECT_TRUE(judged(1.05, 0.96, QualityRule::kBoth).passes);
  EXPECT_FALSE(judged(1.05, 0.94, QualityRule::kBoth).passes);
  EXPECT_FALSE(judged(1.06, 0.96, QualityRule::kBoth).passes);
  EXPECT_TRUE(judged(1, 1, QualityRule::kBoth, 1).passes);
  EXPECT_FALSE(judged(std::numeric_limits<double>::quiet_NaN(), 1, QualityRule::kPerplexity).passes);
}

TEST(Verdict, SaysTheFiguresOfBothRules) {
  EXPECT_EQ(judged(1.012, 0.978, QualityRule::kPerplexity).verdict,
            "kept: perplexity 1.0120 of the source's (0.95 to 1.0526 allowed), same likeliest token 97.80% (rule same-top "
            "would want 95%)");
  EXPECT_EQ(judged(1.012, 0.918, QualityRule::kSameTop).verdict,
            "lost too much: same likeliest token 91.80% (at least 95%), perplexity 1.0120 of the source's (rule "
            "perplexity would allow 0.95 to 1.0526)");
  EXPECT_EQ(judged(1.012, 0.978, QualityRule::kBoth).verdict,
            "kept: perplexity 1.0120 of the source's (0.95 to 1.0526 allowed), same likeliest token 97.80% (at least 95%)");
}

TEST(Verdict, OfEncoders) {
  Quality quality;
  quality.embedding = EmbeddingQuality{.mean_cosine = 0.99, .source_ndcg_10 = 0.8, .ndcg_10 = 0.77};
  judge(quality);
  EXPECT_TRUE(quality.passes);
  EXPECT_EQ(quality.verdict,
            "kept: nDCG@10 0.7700 of the source's 0.8000 (at least 0.7600), mean cosine 0.9900 (at least 0.95)");
  quality.embedding->mean_cosine = 0.94;
  judge(quality);
  EXPECT_FALSE(quality.passes);
  quality.embedding.reset();
  quality.rerank = RerankQuality{.spearman = 0.96, .source_ndcg_10 = 0.8, .ndcg_10 = 0.75};
  judge(quality);
  EXPECT_FALSE(quality.passes);
  quality.rerank->ndcg_10 = 0.9;
  judge(quality);
  EXPECT_TRUE(quality.passes);
  EXPECT_EQ(quality.verdict.rfind("kept: nDCG@10 0.9000", 0), 0u) << quality.verdict;
}

TEST(Verdict, NothingMeasuredIsNothingKept) {
  Quality quality;
  judge(quality);
  EXPECT_FALSE(quality.passes);
}

TEST(QualityJson, HasEveryFigure) {
  const Quality quality = judged(1.012, 0.978, QualityRule::kPerplexity);
  const json::object out = quality_to_json(quality);
  for (const std::string_view key : {"kind", "sample", "n_tokens", "n_contexts", "mean_kld", "median_kld", "kld_99_9",
                                     "kld_99_9_is_worst", "worst_kld", "same_top", "source_perplexity", "perplexity",
                                     "perplexity_ratio", "rule", "least", "passes", "verdict", "seconds"}) {
    EXPECT_TRUE(out.contains(key)) << key;
  }
  EXPECT_EQ(out.at("kind"), "language");
  EXPECT_EQ(out.at("rule"), "perplexity");
  EXPECT_EQ(out.at("kld_99_9_is_worst"), false);
  EXPECT_NEAR(out.at("perplexity_ratio").as_double(), 1.012, 1e-12);
  Quality few = quality;
  few.language->n_tokens = 999;
  EXPECT_EQ(quality_to_json(few).at("kld_99_9_is_worst"), true);
  Quality encoder;
  encoder.kind = ModelKind::kEmbedding;
  encoder.embedding = EmbeddingQuality{.source_ndcg_10 = 0.75, .ndcg_10 = 0.5};
  EXPECT_EQ(quality_to_json(encoder).at("ndcg_10_change"), -0.25);
  EXPECT_TRUE(quality_to_json(encoder).contains("kendall_tau"));
  encoder.embedding.reset();
  encoder.rerank = RerankQuality{};
  EXPECT_TRUE(quality_to_json(encoder).contains("top_k_overlap"));
}

TEST(QualityRules, HaveNames) {
  for (const QualityRule rule : {QualityRule::kPerplexity, QualityRule::kSameTop, QualityRule::kBoth}) {
    const auto parsed = parse_quality_rule(quality_rule_name(rule));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, rule);
  }
  EXPECT_EQ(parse_quality_rule("best").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace docmind::quantize
