// Measures of rankings: how alike two of them are, and how good one is.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_ranking.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>

namespace docmind::quantize {
namespace {

std::vector<size_t> items_of(size_t n) {
  std::vector<size_t> items(n);
  std::iota(items.begin(), items.end(), size_t{0});
  return items;
}

// Pairs among n.
double n_pairs(size_t n) { return static_cast<double>(n) * (static_cast<double>(n) - 1) / 2; }

// Pairs of neighbours' runs in which `equal` holds; the items are sorted so that equal ones are together.
template <typename Equal>
double n_tied_pairs(std::span<const size_t> items, Equal equal) {
  double n_tied = 0;
  for (size_t begin = 0; begin < items.size();) {
    size_t end = begin + 1;
    while (end < items.size() && equal(items[begin], items[end])) ++end;
    n_tied += n_pairs(end - begin);
    begin = end;
  }
  return n_tied;
}

// Sorts by merging and returns how many pairs were out of order.
double sort_counting(std::span<double> values, std::span<double> scratch) {
  if (values.size() < 2) return 0;
  const size_t half = values.size() / 2;
  double n_swapped = sort_counting(values.first(half), scratch.first(half)) +
                     sort_counting(values.subspan(half), scratch.subspan(half));
  size_t left = 0, right = half;
  for (size_t to = 0; to < values.size(); ++to) {
    if (left < half && (right == values.size() || values[left] <= values[right])) {
      scratch[to] = values[left++];
    } else {
      scratch[to] = values[right++];
      n_swapped += static_cast<double>(half - left);  // those pass it
    }
  }
  std::copy(scratch.begin(), scratch.end(), values.begin());
  return n_swapped;
}

}  // namespace

// Sorted by a, and by b where a is equal, the pairs that disagree are those out of order in b.
std::optional<double> kendall_tau_b(Scores a, Scores b) {
  const size_t n = a.size();
  std::vector<size_t> items = items_of(n);
  std::sort(items.begin(), items.end(),
            [&](size_t i, size_t j) { return a[i] != a[j] ? a[i] < a[j] : b[i] < b[j]; });
  const double tied_a = n_tied_pairs(items, [&](size_t i, size_t j) { return a[i] == a[j]; });
  const double tied_both = n_tied_pairs(items, [&](size_t i, size_t j) { return a[i] == a[j] && b[i] == b[j]; });
  std::vector<double> values(n), scratch(n);
  for (size_t i = 0; i < n; ++i) values[i] = b[items[i]];
  const double n_disagree = sort_counting(values, scratch);
  std::sort(items.begin(), items.end(), [&](size_t i, size_t j) { return b[i] < b[j]; });
  const double tied_b = n_tied_pairs(items, [&](size_t i, size_t j) { return b[i] == b[j]; });
  const double all = n_pairs(n);
  if (n < 2 || tied_a == all || tied_b == all) return std::nullopt;
  const double n_agree = all - tied_a - tied_b + tied_both - n_disagree;
  return (n_agree - n_disagree) / std::sqrt((all - tied_a) * (all - tied_b));
}

std::vector<double> ranks_of(Scores scores) {
  std::vector<size_t> items = items_of(scores.size());
  std::sort(items.begin(), items.end(), [&](size_t i, size_t j) { return scores[i] < scores[j]; });
  std::vector<double> ranks(scores.size());
  for (size_t begin = 0; begin < items.size();) {
    size_t end = begin + 1;
    while (end < items.size() && scores[items[begin]] == scores[items[end]]) ++end;
    for (size_t i = begin; i < end; ++i) ranks[items[i]] = static_cast<double>(begin + 1 + end) / 2;
    begin = end;
  }
  return ranks;
}

std::optional<double> spearman(Scores a, Scores b) {
  const std::vector<double> x = ranks_of(a), y = ranks_of(b);
  const double mean = (static_cast<double>(x.size()) + 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  if (xx == 0 || yy == 0) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

std::vector<size_t> order_of(Scores scores) {
  std::vector<size_t> items = items_of(scores.size());
  std::stable_sort(items.begin(), items.end(), [&](size_t i, size_t j) { return scores[i] > scores[j]; });
  return items;
}

double top_k_overlap(Scores a, Scores b, size_t k) {
  k = std::min(k, a.size());
  std::vector<size_t> best_a = order_of(a), best_b = order_of(b);
  best_a.resize(k);
  best_b.resize(k);
  std::sort(best_a.begin(), best_a.end());
  std::sort(best_b.begin(), best_b.end());
  std::vector<size_t> both;
  std::set_intersection(best_a.begin(), best_a.end(), best_b.begin(), best_b.end(), std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(k);
}

double ndcg(Scores scores, std::span<const std::pair<size_t, double>> relevant, size_t k) {
  const auto discount = [](size_t place) { return 1 / std::log2(static_cast<double>(place) + 2); };
  const std::map<size_t, double> grades(relevant.begin(), relevant.end());
  std::vector<double> ideal;
  for (const auto& [item, grade] : grades) ideal.push_back(grade);
  std::sort(ideal.begin(), ideal.end(), std::greater<>());
  double best = 0, got = 0;
  for (size_t place = 0; place < std::min(k, ideal.size()); ++place) best += ideal[place] * discount(place);
  const std::vector<size_t> order = order_of(scores);
  for (size_t place = 0; place < std::min(k, order.size()); ++place) {
    const auto found = grades.find(order[place]);
    if (found != grades.end()) got += found->second * discount(place);
  }
  return got / best;
}

double quantile(std::span<double> values, double part) {
  const double rank = std::ceil(part * static_cast<double>(values.size()) - 1e-9);  // the product is rounded
  const size_t place = std::min(values.size() - 1, static_cast<size_t>(std::max(0.0, rank - 1)));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(place), values.end());
  return values[place];
}

}  // namespace docmind::quantize
