// Smoothing: the formula by hand, rows without neighbours, values that must not change.
// SPDX-License-Identifier: Apache-2.0
#include "index/smoothing.h"

#include <gtest/gtest.h>

#include "index/store_samples.h"

namespace docmind::index {
namespace {

using test::must;
using Scores = std::vector<double>;

VectorMatrix pool_of(const std::vector<std::vector<float>>& rows) {
  VectorMatrix matrix(rows.empty() ? 2 : rows[0].size());
  int64_t id = 1;
  for (const auto& row : rows) must(matrix.append(id++, encode_vector(row)));
  return matrix;
}

constexpr double kTolerance = 0.01;  // of int8 rows

TEST(Smoothing, AddsTheWeightedAverageOfTheNearest) {
  // Cosines to row 0: 1, 0.6, 0. With two neighbours these are rows 1 and 2.
  const VectorMatrix pool = pool_of({{1, 0}, {1, 0}, {0.6f, 0.8f}, {0, 1}});
  const Scores scores = {10, 4, 2, 100};
  const Scores smoothed = smooth_scores(pool, scores, {.n_neighbours = 2, .mix = 0.25});
  EXPECT_NEAR(smoothed[0], 0.75 * 10 + 0.25 * (1 * 4 + 0.6 * 2) / 1.6, kTolerance);
  // Row 3: nearest is row 2 (0.8); rows 0 and 1 have cosine 0 and weigh nothing.
  EXPECT_NEAR(smoothed[3], 0.75 * 100 + 0.25 * 2, kTolerance);
}

TEST(Smoothing, ANegativeCosineCountsAsNothing) {
  const VectorMatrix pool = pool_of({{1, 0}, {-1, 0}});
  const Scores smoothed = smooth_scores(pool, Scores{8, 4}, {.n_neighbours = 1, .mix = 0.5});
  EXPECT_NEAR(smoothed[0], 4, kTolerance);
  EXPECT_NEAR(smoothed[1], 2, kTolerance);
}

TEST(Smoothing, AZeroRowNeitherGivesNorTakes) {
  const VectorMatrix pool = pool_of({{1, 0}, {0, 0}, {1, 0}});
  const Scores smoothed = smooth_scores(pool, Scores{8, 1'000, 4}, {.n_neighbours = 2, .mix = 0.5});
  EXPECT_NEAR(smoothed[0], 6, kTolerance);
  EXPECT_NEAR(smoothed[1], 500, kTolerance);
}

TEST(Smoothing, ChangesNothingWithoutNeighboursOrMix) {
  const Scores scores = {3, 1, 2};
  const VectorMatrix pool = pool_of({{1, 0}, {1, 0}, {1, 0}});
  EXPECT_EQ(smooth_scores(pool, scores, {.n_neighbours = 0, .mix = 0.5}), scores);
  EXPECT_EQ(smooth_scores(pool, scores, {.n_neighbours = 2, .mix = 0}), scores);
  EXPECT_EQ(smooth_scores(pool_of({{1, 0}}), Scores{3}, {}), Scores{3});
  EXPECT_TRUE(smooth_scores(VectorMatrix(2), Scores{}, {}).empty());
}

TEST(Smoothing, EqualScoresOfOneDirectionStayEqual) {
  const VectorMatrix pool = pool_of({{1, 0}, {1, 0}, {1, 0}, {1, 0}});
  for (const double score : smooth_scores(pool, Scores(4, 7.0), {.n_neighbours = 5, .mix = 0.5})) {
    EXPECT_NEAR(score, 7.0, 1e-9);
  }
}

TEST(Smoothing, LiftsWhatStandsAmongGoodOnes) {
  // Three rows near one direction, one of which the words missed, and an outsider that they missed.
  const VectorMatrix pool = pool_of({{1, 0, 0}, {0.98f, 0.2f, 0}, {0.98f, 0, 0.2f}, {0, -0.7f, 0.7f}});
  const Scores smoothed = smooth_scores(pool, Scores{5, 5, 0, 0}, {.n_neighbours = 2, .mix = 0.5});
  EXPECT_GT(smoothed[2], 2);
  EXPECT_LT(smoothed[3], 1);
}

}  // namespace
}  // namespace docmind::index
