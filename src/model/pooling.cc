// Pooling: one vector of a sequence's rows.
// SPDX-License-Identifier: Apache-2.0
#include "model/pooling.h"

#include <algorithm>
#include <cmath>

namespace docmind::model {

void mean_of_rows(const float* rows, int64_t n_rows, int64_t n, float* out) {
  std::fill_n(out, n, 0.0f);
  for (int64_t t = 0; t < n_rows; ++t) {
    for (int64_t c = 0; c < n; ++c) out[c] += rows[t * n + c];
  }
  const float share = 1 / static_cast<float>(n_rows);
  for (int64_t c = 0; c < n; ++c) out[c] *= share;
}

void normalise(float* x, int64_t n) {
  double sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += static_cast<double>(x[c]) * x[c];
  if (sum == 0) return;
  const auto factor = static_cast<float>(1 / std::sqrt(sum));
  for (int64_t c = 0; c < n; ++c) x[c] *= factor;
}

}  // namespace docmind::model
