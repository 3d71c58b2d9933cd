// Measures of rankings against their definitions, for any scores.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_ranking.h"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace docmind::quantize {
namespace {

// Pairs of scores from few values, so that there are ties.
std::pair<std::vector<double>, std::vector<double>> two_rankings() {
  const auto pairs = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(-6, 7), rc::gen::inRange(-6, 7)));
  std::vector<double> a, b;
  for (const auto& [x, y] : pairs) {
    a.push_back(x);
    b.push_back(y);
  }
  return {a, b};
}

RC_GTEST_PROP(Rankings, KendallsTauIsThatOfItsDefinition, ()) {
  const auto [a, b] = two_rankings();
  double agree = 0, disagree = 0, tied_a = 0, tied_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = i + 1; j < a.size(); ++j) {
      const double sign = (a[i] - a[j]) * (b[i] - b[j]);
      agree += sign > 0 ? 1 : 0;
      disagree += sign < 0 ? 1 : 0;
      tied_a += a[i] == a[j] ? 1 : 0;
      tied_b += b[i] == b[j] ? 1 : 0;
    }
  }
  const double all = static_cast<double>(a.size()) * (static_cast<double>(a.size()) - 1) / 2;
  const double norm = std::sqrt((all - tied_a) * (all - tied_b));
  const std::optional<double> tau = kendall_tau_b(a, b);
  RC_ASSERT(tau.has_value() == (a.size() >= 2 && norm > 0));
  if (tau) RC_ASSERT(std::abs(*tau - (agree - disagree) / norm) < 1e-12);
}

RC_GTEST_PROP(Rankings, MeasuresKnowNoScaleAndNoSide, ()) {
  const auto [a, b] = two_rankings();
  RC_PRE(!a.empty());
  std::vector<double> stretched;
  for (const double score : a) stretched.push_back(std::exp(score));
  RC_ASSERT(kendall_tau_b(a, b) == kendall_tau_b(stretched, b));
  RC_ASSERT(kendall_tau_b(a, b) == kendall_tau_b(b, a));
  RC_ASSERT(spearman(a, b) == spearman(stretched, b));
  RC_ASSERT(top_k_overlap(a, b, 3) == top_k_overlap(stretched, b, 3));
  RC_ASSERT(top_k_overlap(a, b, 3) == top_k_overlap(b, a, 3));
  RC_ASSERT(top_k_overlap(a, a, 3) == 1);
  if (const std::optional<double> same = kendall_tau_b(a, a)) RC_ASSERT(std::abs(*same - 1) < 1e-12);
  if (const std::optional<double> same = spearman(a, a)) RC_ASSERT(std::abs(*same - 1) < 1e-12);
  if (const std::optional<double> rho = spearman(a, b)) RC_ASSERT(std::abs(*rho) <= 1 + 1e-12);
}

RC_GTEST_PROP(Rankings, NothingIsBetterThanTheIdealOrder, ()) {
  const auto scores = *rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<int>>());
  const std::vector<double> values(scores.begin(), scores.end());
  const auto item = *rc::gen::inRange<size_t>(0, values.size());
  const auto grade = *rc::gen::inRange(1, 5);
  const std::vector<std::pair<size_t, double>> relevant = {{item, grade}, {0, 1}};
  const double gain = ndcg(values, relevant, 10);
  RC_ASSERT(gain >= 0 && gain <= 1 + 1e-12);
  std::vector<double> ideal(values.size());
  for (const auto& [document, one] : relevant) ideal[document] = std::max(ideal[document], one);
  if (item != 0) RC_ASSERT(std::abs(ndcg(ideal, relevant, 10) - 1) < 1e-12);
}

}  // namespace
}  // namespace docmind::quantize
