// Scans over the vectors of an index, in plain C++.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/scan.h"

#include <algorithm>
#include <bit>

namespace docmind::kernels::ref {

int64_t near_sketches(const uint64_t* query, int64_t n_words, const uint64_t* sketches, int64_t n_rows,
                      uint32_t most, NearSketch* out) {
  int64_t n_near = 0;
  for (int64_t first = 0; first < n_rows; first += kSketchPanel, sketches += n_words * kSketchPanel) {
    uint32_t n_bits[kSketchPanel] = {};
    for (int64_t w = 0; w < n_words; ++w) {
      for (int64_t r = 0; r < kSketchPanel; ++r) {
        n_bits[r] += static_cast<uint32_t>(std::popcount(sketches[w * kSketchPanel + r] ^ query[w]));
      }
    }
    for (int64_t r = 0; r < std::min(kSketchPanel, n_rows - first); ++r) {
      if (n_bits[r] <= most) out[n_near++] = {static_cast<uint32_t>(first + r), n_bits[r]};
    }
  }
  return n_near;
}

int32_t dot_i8(const int8_t* x, const int8_t* y, int64_t n) {
  int32_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace docmind::kernels::ref
