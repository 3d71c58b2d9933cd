// Chunks: a tensor in pieces that fit a core's cache, whatever its rows are.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/tensor_chunks.h"

#include <bit>
#include <cmath>

namespace docmind::quantize {

int64_t first_not_finite(const float* x, int64_t n) {
  // Without a branch, so that the common case runs at the speed of memory.
  uint32_t largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7fff'ffffu);
  if (largest < 0x7f80'0000u) return n;
  return std::find_if(x, x + n, [](float value) { return !std::isfinite(value); }) - x;
}

}  // namespace docmind::quantize
