// Measures of rankings: how alike two of them are, and how good one is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace docmind::quantize {

// Scores of the same items, equally many and finite; the better, the larger.
using Scores = std::span<const double>;

// Kendall's tau-b (1945), which counts ties; in n log n steps as in Knight, "A computer method for calculating
// Kendall's tau with ungrouped data" (1966). None when all scores of a side are equal, or for fewer than two items.
[[nodiscard]] std::optional<double> kendall_tau_b(Scores a, Scores b);

// Spearman's coefficient: Pearson's of the ranks, equal scores having the mean of theirs. None as above.
[[nodiscard]] std::optional<double> spearman(Scores a, Scores b);

// 1 for the smallest, equal scores have the mean of their ranks.
[[nodiscard]] std::vector<double> ranks_of(Scores scores);

// Items, best first; equal scores in the order of the items.
[[nodiscard]] std::vector<size_t> order_of(Scores scores);

// Share of the best `k` of `a` that are among the best `k` of `b`; k is at least 1.
[[nodiscard]] double top_k_overlap(Scores a, Scores b, size_t k);

// Normalised discounted cumulative gain of the first `k` (Jarvelin and Kekalainen, 2002): the gain of an item is its
// grade, the discount of place i (from 1) is 1 / log2(i + 1). `relevant` are items and grades above 0, at least one.
[[nodiscard]] double ndcg(Scores scores, std::span<const std::pair<size_t, double>> relevant, size_t k);

// The value that a share `part` of the values is at or below (nearest rank); `values` is reordered and not empty.
[[nodiscard]] double quantile(std::span<double> values, double part);

}  // namespace docmind::quantize
