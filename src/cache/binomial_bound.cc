// Exact bounds on a share from a finite sample.
// SPDX-License-Identifier: Apache-2.0
#include "cache/binomial_bound.h"

#include <algorithm>
#include <cmath>

namespace docmind::cache {
namespace {

double log_choose(double n, double k) {
  // lgamma_r: the plain one writes a global.
  int sign = 0;
  return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

// P(X <= k) for X binomial, summed from the largest term down while terms matter.
double binomial_below(size_t k, size_t n, double p) {
  if (p <= 0) return 1;
  if (p >= 1) return k >= n ? 1 : 0;
  const double log_odds = std::log(p) - std::log1p(-p);
  const double log_none = static_cast<double>(n) * std::log1p(-p);
  double sum = 0;
  for (size_t i = 0; i <= k; ++i) {
    const auto x = static_cast<double>(i);
    sum += std::exp(log_none + log_choose(static_cast<double>(n), x) + x * log_odds);
  }
  return std::min(sum, 1.0);
}

// P(X <= k) for X the wrong ones among the first n, of `n_wrong` among n + m.
double hypergeometric_below(size_t k, size_t n, size_t m, size_t n_wrong) {
  const size_t least = n_wrong > m ? n_wrong - m : 0;
  const auto first = static_cast<double>(n);
  const auto next = static_cast<double>(m);
  const auto wrong = static_cast<double>(n_wrong);
  const double log_all = log_choose(first + next, wrong);
  double sum = 0;
  for (size_t i = least; i <= std::min({k, n, n_wrong}); ++i) {
    const auto x = static_cast<double>(i);
    sum += std::exp(log_choose(first, x) + log_choose(next, wrong - x) - log_all);
  }
  return std::min(sum, 1.0);
}

}  // namespace

double share_upper_bound(size_t n_wrong, size_t n, double confidence) {
  if (n_wrong >= n) return 1;
  double low = static_cast<double>(n_wrong) / static_cast<double>(n);
  double high = 1;
  constexpr int kHalvings = 50;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (binomial_below(n_wrong, n, middle) > 1 - confidence ? low : high) = middle;
  }
  return high;
}

double next_share_upper_bound(size_t n_wrong, size_t n, size_t n_next, double confidence) {
  if (n_next == 0) return 0;
  if (n_wrong >= n) return 1;
  size_t possible = 0;       // of the next ones
  size_t excluded = n_next + 1;
  while (excluded - possible > 1) {
    const size_t middle = possible + (excluded - possible) / 2;
    const bool kept = hypergeometric_below(n_wrong, n, n_next, n_wrong + middle) > 1 - confidence;
    (kept ? possible : excluded) = middle;
  }
  return static_cast<double>(possible) / static_cast<double>(n_next);
}

long most_wrong_allowed(size_t n, double limit, double confidence) {
  if (n == 0 || next_share_upper_bound(0, n, n, confidence) > limit) return -1;
  size_t allowed = 0;
  size_t refused = n;
  while (refused - allowed > 1) {
    const size_t middle = allowed + (refused - allowed) / 2;
    (next_share_upper_bound(middle, n, n, confidence) <= limit ? allowed : refused) = middle;
  }
  return static_cast<long>(allowed);
}

}  // namespace docmind::cache
