// FloatUnits: attention's products (simd/attention_tiled.h) of floats.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/attention_rows.h"
#include "kernels/simd/exp.h"

namespace docmind::kernels::simd {

// PageCodes says how units of sealed pages are unpacked; R x N is the register tile.
template <class PageCodes, int R, int N>
struct FloatUnits {
  using Codes = PageCodes;
  using V = typename Codes::V;
  using Unit = float;
  static constexpr int64_t kPerUnit = 1;
  static constexpr int64_t kRows = R;
  static constexpr int64_t kVectors = N;

  // 16 units from up to n channels.
  static V key_units(const Half* p, int64_t n) { return load_halves<V>(p, n); }
  static V query_units(const float* p, int64_t n, V scale) { return load_floats<V>(p, n) * scale; }
  // Channels [c, c + 16) of a key's values, n of which exist.
  static V value_units(const Half* const* rows, int64_t c, int64_t n) {
    return rows[0] == nullptr || n <= 0 ? V::zero() : load_halves<V>(rows[0] + c, n);
  }
  // Four vectors of channels (of keys) to units that are `stride` floats apart.
  static void store_four(const V (&four)[4], float* to, int64_t stride) {
    for (int64_t k = 0; k < 4; ++k) four[k].store(to + k * stride);
  }
  static V broadcast(const Unit* p) { return V::all(*p); }
  static V multiply_add(V a, V b, V sum) { return fma(a, b, sum); }
  // Weights of a row's scores in place; their sums lane by lane.
  static V weigh(float* scores, int64_t n, V top) {
    V sum = V::zero();
    for (int64_t i = 0; i < n; i += V::kLanes) {
      const V weight = exp2(V::load(scores + i) - top);
      weight.store(scores + i);
      sum = sum + weight;
    }
    return sum;
  }
};

}  // namespace docmind::kernels::simd
