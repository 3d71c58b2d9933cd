// F32, F16 and BF16: conversions only, to nearest even.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstring>

#include "kernels/simd/quantize_tile.h"

namespace docmind::kernels::simd {

// Whether all are finite and smaller in magnitude than `bound`, the first that would become infinite.
template <class U>
bool all_below(const float* x, int64_t n, float bound) {
  using V = typename U::V;
  V top = V::zero(), zero = V::zero();  // NaN when a value is not finite
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    const V value = V::load(x + i);
    top = max(top, U::magnitude(value));
    zero = fma(value, V::zero(), zero);
  }
  const V value = V::load_first(x + i, n - i);
  top = max(top, U::magnitude(value));
  zero = fma(value, V::zero(), zero);
  return sum_of_lanes(zero) == 0 && max_of(top) < bound;
}

// Internal linkage: without U it would be the same for all instruction sets.
static void store_bfloat16(const float* x, int64_t n, std::byte* out) {
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint32_t>(x[i]);
    const auto rounded = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    std::memcpy(out + 2 * i, &rounded, sizeof rounded);
  }
}

template <class U>
bool convert_floats(const QuantizeJob& job) {
  using V = typename U::V;
  const int64_t n = job.n_rows * job.cols;
  switch (job.type) {
    case TensorType::kF32:
      if (!all_below<U>(job.x, n, std::bit_cast<float>(0x7f800000u))) return false;
      std::memcpy(job.out, job.x, static_cast<size_t>(n) * sizeof(float));
      return true;
    case TensorType::kBF16:
      if (!all_below<U>(job.x, n, std::bit_cast<float>(0x7f7f8000u))) return false;
      store_bfloat16(job.x, n, job.out);
      return true;
    default: break;
  }
  if (!all_below<U>(job.x, n, 65520.0f)) return false;
  for (int64_t i = 0; i < n; i += V::kLanes) {
    Half halves[V::kLanes];
    const int64_t n_here = std::min<int64_t>(V::kLanes, n - i);
    V::load_first(job.x + i, n_here).store(halves);
    std::memcpy(job.out + 2 * i, halves, static_cast<size_t>(n_here) * sizeof(Half));
  }
  return true;
}

}  // namespace docmind::kernels::simd
