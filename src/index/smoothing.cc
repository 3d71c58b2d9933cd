// Score smoothing over nearest neighbours: similar chunks should score alike.
// SPDX-License-Identifier: Apache-2.0
#include "index/smoothing.h"

#include <algorithm>
#include <utility>

namespace docmind::index {

std::vector<double> smooth_scores(const VectorMatrix& pool, std::span<const double> scores,
                                  const SmoothingOptions& options) {
  const size_t n = pool.n_rows();
  std::vector<double> smoothed(scores.begin(), scores.end());
  const size_t n_neighbours = std::min(options.n_neighbours, n > 0 ? n - 1 : 0);
  if (n_neighbours == 0) return smoothed;
  std::vector<float> cosine(n * n, -2.0f);  // below any cosine, so that no row is its own neighbour
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i + 1; j < n; ++j) {
      const float value = pool.scale(i) * pool.scale(j) *
                          static_cast<float>(dot_int8(pool.codes(i), pool.codes(j)));
      cosine[i * n + j] = value;
      cosine[j * n + i] = value;
    }
  }
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) {
    const float* row = cosine.data() + i * n;
    for (size_t j = 0; j < n; ++j) order[j] = j;
    const auto nearest = order.begin() + static_cast<ptrdiff_t>(n_neighbours);
    std::nth_element(order.begin(), nearest - 1, order.end(), [row](size_t a, size_t b) {
      return row[a] != row[b] ? row[a] > row[b] : a < b;
    });
    double weights = 0;
    double sum = 0;
    for (auto neighbour = order.begin(); neighbour != nearest; ++neighbour) {
      const double weight = std::max(0.0f, row[*neighbour]);
      weights += weight;
      sum += weight * scores[*neighbour];
    }
    if (weights > 1e-9) {
      smoothed[i] = (1 - options.mix) * scores[i] + options.mix * sum / weights;
    } else {
      smoothed[i] = (1 - options.mix) * scores[i];
    }
  }
  return smoothed;
}

}  // namespace docmind::index
