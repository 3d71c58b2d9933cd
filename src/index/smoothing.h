// Score smoothing over nearest neighbours: similar chunks should score alike.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "index/types.h"
#include "index/vector_matrix.h"

namespace docmind::index {

struct SmoothingOptions {
  size_t n_neighbours = 5;
  double mix = 0.5;  // share of the neighbours' average in the new score
};

// For each row i of `pool` the new score (1 - mix) * scores[i] + mix * the average score of its
// nearest other rows, weighted by their cosine (negative ones count as 0). The cluster hypothesis
// as a regulariser of scores: Diaz, "Regularizing query-based retrieval scores" (2007). Rows are
// taken as unit vectors; O(n^2) in the pool's size.
[[nodiscard]] std::vector<double> smooth_scores(const VectorMatrix& pool,
                                                std::span<const double> scores,
                                                const SmoothingOptions& options);

}  // namespace docmind::index
