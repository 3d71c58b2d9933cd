// Chooses the loosest threshold that keeps the share of wrong hits under a limit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "cache/calibrator.h"

namespace docmind::cache {

// A judged would-be hit with the log-odds that a model gave it that did not see its label.
struct ScoredHit {
  double log_odds = 0;
  bool wrong = false;
};

// The grid of thresholds, in log-odds, strict to loose. It does not depend on any observation.
[[nodiscard]] std::span<const double> threshold_grid();

// Learn then test (Angelopoulos et al., 2021) with the next-sample bound of binomial_bound.h as the
// test: the null hypothesis of a threshold is that among as many further hits as were served here
// more than `limit` may be wrong. Testing in a fixed sequence from strict to loose, up to the first
// threshold that is not rejected, keeps the chance of any false promise at 1 - confidence without a
// correction. The strictest thresholds serve too few hits for any rejection, so a sequence from there
// would end before it began: it begins at the threshold where a rejection is likeliest by the scores
// alone. Exact when the scores come from a model that saw none of the tested labels. Cross-fitted
// scores come near: a hit's own label has no part in its score, but the others' labels do, in the
// scores and so in where the sequence begins. nullopt: no threshold passes.
[[nodiscard]] std::optional<double> choose_threshold(std::span<const ScoredHit> hits, double limit,
                                                     double confidence);

// The curve over the grid; upper bounds as above. `n_observed` includes what has no score.
[[nodiscard]] std::vector<CurvePoint> curve_of(std::span<const ScoredHit> hits, double confidence);

}  // namespace docmind::cache
