// Chooses the loosest threshold that keeps the share of wrong hits under a limit.
// SPDX-License-Identifier: Apache-2.0
#include "cache/threshold_choice.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cache/binomial_bound.h"
#include "cache/logistic_model.h"

namespace docmind::cache {
namespace {

constexpr size_t kGridSize = 121;
constexpr double kStrictest = 10.0;  // log-odds: 0.99995
constexpr double kStep = 0.1;

constexpr std::array<double, kGridSize> make_grid() {
  std::array<double, kGridSize> grid{};
  for (size_t i = 0; i < kGridSize; ++i) grid[i] = kStrictest - kStep * static_cast<double>(i);
  return grid;
}
constexpr std::array<double, kGridSize> kGrid = make_grid();

struct Served {
  size_t n = 0;
  size_t n_wrong = 0;
  double expected_wrong = 0;  // by the scores alone
};

// At each threshold of the grid.
std::array<Served, kGridSize> count_served(std::span<const ScoredHit> hits) {
  std::array<Served, kGridSize> served{};
  for (const ScoredHit& hit : hits) {
    const auto first = std::find_if(kGrid.begin(), kGrid.end(),
                                    [&](double threshold) { return hit.log_odds >= threshold; });
    if (first == kGrid.end()) continue;
    Served& at = served[static_cast<size_t>(first - kGrid.begin())];
    at.n += 1;
    at.n_wrong += hit.wrong ? 1 : 0;
    at.expected_wrong += 1 - logistic(hit.log_odds);
  }
  for (size_t i = 1; i < kGridSize; ++i) {
    served[i].n += served[i - 1].n;
    served[i].n_wrong += served[i - 1].n_wrong;
    served[i].expected_wrong += served[i - 1].expected_wrong;
  }
  return served;
}

// Where a test is likeliest to pass: how far the wrong ones that are allowed lie above those that the
// scores let expect, in standard deviations. kGridSize: nowhere is any test possible.
size_t likeliest(const std::array<Served, kGridSize>& served, const std::array<long, kGridSize>& allowed) {
  size_t best = kGridSize;
  double most = 0;
  for (size_t i = 0; i < kGridSize; ++i) {
    if (allowed[i] < 0) continue;
    const double expected = served[i].expected_wrong;
    const double room = (static_cast<double>(allowed[i]) + 0.5 - expected) / std::sqrt(expected + 0.5);
    if (best < kGridSize && room <= most) continue;
    best = i;
    most = room;
  }
  return best;
}

}  // namespace

std::span<const double> threshold_grid() { return kGrid; }

std::optional<double> choose_threshold(std::span<const ScoredHit> hits, double limit,
                                       double confidence) {
  const std::array<Served, kGridSize> served = count_served(hits);
  std::array<long, kGridSize> allowed{};
  for (size_t i = 0; i < kGridSize; ++i) {
    allowed[i] = most_wrong_allowed(served[i].n, limit, confidence);
  }
  std::optional<double> loosest;
  for (size_t i = likeliest(served, allowed); i < kGridSize; ++i) {
    if (static_cast<long>(served[i].n_wrong) > allowed[i]) break;
    loosest = kGrid[i];
  }
  return loosest;
}

std::vector<CurvePoint> curve_of(std::span<const ScoredHit> hits, double confidence) {
  const std::array<Served, kGridSize> served = count_served(hits);
  std::vector<CurvePoint> curve;
  for (size_t i = 0; i < kGridSize; ++i) {
    const size_t n = served[i].n;
    const size_t n_wrong = served[i].n_wrong;
    if (n == 0) continue;
    curve.push_back({.threshold = logistic(kGrid[i]),
                     .hit_rate = static_cast<double>(n) / static_cast<double>(hits.size()),
                     .wrong_share = static_cast<double>(n_wrong) / static_cast<double>(n),
                     .upper_bound = next_share_upper_bound(n_wrong, n, n, confidence)});
  }
  return curve;
}

}  // namespace docmind::cache
