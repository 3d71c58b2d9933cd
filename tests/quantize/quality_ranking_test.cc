// Measures of rankings against cases computed by hand.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_ranking.h"

#include <cmath>

#include <gtest/gtest.h>

namespace docmind::quantize {
namespace {

using Values = std::vector<double>;

TEST(KendallTau, OfOrdersWithoutTies) {
  EXPECT_DOUBLE_EQ(*kendall_tau_b(Values{1, 2, 3, 4}, Values{10, 20, 30, 40}), 1);
  EXPECT_DOUBLE_EQ(*kendall_tau_b(Values{1, 2, 3, 4}, Values{4, 3, 2, 1}), -1);
  // One of six pairs is out of order: (5 - 1) / 6.
  EXPECT_DOUBLE_EQ(*kendall_tau_b(Values{1, 2, 3, 4}, Values{1, 3, 2, 4}), 4.0 / 6);
}

TEST(KendallTau, CountsTies) {
  // Pairs: (0,1) tied in a; (0,2) and (1,2) agree, (0,3) agrees, (1,3) agrees, (2,3) tied in b.
  EXPECT_DOUBLE_EQ(*kendall_tau_b(Values{1, 1, 2, 3}, Values{1, 2, 3, 3}), 4 / std::sqrt(5.0 * 5.0));
  // (0,1) is tied in both: 6 pairs, 1 tied in each side, the other 5 agree.
  EXPECT_DOUBLE_EQ(*kendall_tau_b(Values{1, 1, 2, 3}, Values{5, 5, 6, 7}), 1);
  EXPECT_FALSE(kendall_tau_b(Values{1, 1, 1}, Values{1, 2, 3}));
  EXPECT_FALSE(kendall_tau_b(Values{1, 2, 3}, Values{0, 0, 0}));
  EXPECT_FALSE(kendall_tau_b(Values{1}, Values{1}));
  EXPECT_FALSE(kendall_tau_b(Values{}, Values{}));
}

TEST(Spearman, OfOrdersWithAndWithoutTies) {
  EXPECT_DOUBLE_EQ(*spearman(Values{1, 2, 3}, Values{2, 4, 100}), 1);
  EXPECT_DOUBLE_EQ(*spearman(Values{1, 2, 3}, Values{3, 2, 1}), -1);
  // 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15)
  EXPECT_DOUBLE_EQ(*spearman(Values{1, 2, 3, 4}, Values{1, 3, 2, 4}), 0.8);
  // Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
  EXPECT_DOUBLE_EQ(*spearman(Values{7, 7, 8, 9}, Values{1, 2, 3, 4}), 4.5 / std::sqrt(4.5 * 5));
  EXPECT_FALSE(spearman(Values{1, 1}, Values{1, 2}));
  EXPECT_FALSE(spearman(Values{1}, Values{1}));
}

TEST(Ranks, EqualScoresHaveTheMeanOfTheirs) {
  EXPECT_EQ(ranks_of(Values{5, 1, 5, 5, 0}), (Values{4, 2, 4, 4, 1}));
  EXPECT_TRUE(ranks_of(Values{}).empty());
}

TEST(TopK, CountsWhatBothHave) {
  EXPECT_DOUBLE_EQ(top_k_overlap(Values{4, 3, 2, 1}, Values{3, 4, 1, 2}, 2), 1);
  EXPECT_DOUBLE_EQ(top_k_overlap(Values{4, 3, 2, 1}, Values{4, 1, 3, 2}, 2), 0.5);
  EXPECT_DOUBLE_EQ(top_k_overlap(Values{4, 3, 2, 1}, Values{1, 2, 3, 4}, 2), 0);
  EXPECT_DOUBLE_EQ(top_k_overlap(Values{4, 3}, Values{1, 2}, 9), 1);
}

TEST(Ndcg, OfGradedAnswers) {
  const std::vector<std::pair<size_t, double>> relevant = {{0, 2}, {2, 1}};
  const double best = 2 + 1 / std::log2(3.0);
  EXPECT_DOUBLE_EQ(ndcg(Values{9, 1, 8}, relevant, 10), 1);
  // Order 2, 1, 0: 1 at the first place, 2 at the third, whose discount is 1 / log2(4).
  EXPECT_DOUBLE_EQ(ndcg(Values{1, 2, 3}, relevant, 10), (1 + 2 * 0.5) / best);
  EXPECT_DOUBLE_EQ(ndcg(Values{1, 2, 3}, relevant, 1), 0.5);  // the best first place has 2
  EXPECT_DOUBLE_EQ(ndcg(Values{0, 9, 0}, {{{1, 3}}}, 10), 1);
  EXPECT_DOUBLE_EQ(ndcg(Values{9, 8, 7, 6}, {{{3, 1}}}, 3), 0);
}

TEST(Quantile, IsAValueThatWasSeen) {
  Values values;
  for (int i = 1; i <= 1'000; ++i) values.push_back((i * 3) % 1'001);  // 1 to 1,000 in another order
  EXPECT_EQ(quantile(values, 0.5), 500);
  EXPECT_EQ(quantile(values, 0.999), 999);
  EXPECT_EQ(quantile(values, 0.01), 10);
  EXPECT_EQ(quantile(values, 1), 1'000);
  Values few = {3, 1, 2};
  EXPECT_EQ(quantile(few, 0.999), 3);
  EXPECT_EQ(quantile(few, 0.01), 1);
}

}  // namespace
}  // namespace docmind::quantize
