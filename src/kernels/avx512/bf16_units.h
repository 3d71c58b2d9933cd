// Bf16Units: attention's products (simd/attention_tiled.h) in pairs of bfloat16, summed in float.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/avx512/page_codes.h"
#include "kernels/simd/attention_rows.h"
#include "kernels/simd/avx512.h"
#include "kernels/simd/exp.h"

namespace docmind::kernels::avx512 {

struct Bf16Units {
  using V = Floats;
  using Codes = PageCodes;
  using Unit = uint32_t;  // two neighbours, the first in the low half
  static constexpr int64_t kPerUnit = 2;
  static constexpr int64_t kRows = 12;
  static constexpr int64_t kVectors = 2;

  // 16 units from up to n channels (32 at most).
  static V key_units(const Half* p, int64_t n) {
    const V high = n > V::kLanes ? simd::load_halves<V>(p + V::kLanes, n - V::kLanes) : V::zero();
    return neighbours(simd::load_halves<V>(p, n), high);
  }
  static V query_units(const float* p, int64_t n, V scale) {
    const V high = n > V::kLanes ? simd::load_floats<V>(p + V::kLanes, n - V::kLanes) : V::zero();
    return neighbours(simd::load_floats<V>(p, n) * scale, high * scale);
  }
  // Channels [c, c + 16) of the values of two keys, n of which exist; a unit is one channel of both.
  static V value_units(const Half* const* rows, int64_t c, int64_t n) {
    const V first = rows[0] == nullptr || n <= 0 ? V::zero() : simd::load_halves<V>(rows[0] + c, n);
    const V second = rows[1] == nullptr || n <= 0 ? V::zero() : simd::load_halves<V>(rows[1] + c, n);
    return interleaved(first, second);
  }
  // Four vectors of channels (of keys) as two of units that are `stride` floats apart.
  static void store_four(const V (&four)[4], float* to, int64_t stride) {
    interleaved(four[0], four[1]).store(to);
    interleaved(four[2], four[3]).store(to + stride);
  }
  static V broadcast(const Unit* p) { return {_mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(*p)))}; }
  static V multiply_add(V a, V b, V sum) {
    return {_mm512_dpbf16_ps(sum.v, reinterpret_cast<__m512bh>(a.v), reinterpret_cast<__m512bh>(b.v))};
  }
  // Weights of a row's scores in place, as units in the first half of the floats; their sums.
  static V weigh(float* scores, int64_t n, V top) {
    V sum[2] = {V::zero(), V::zero()};
    for (int64_t i = 0; i < n; i += 2 * V::kLanes) {
      const V low = simd::exp2_rough(V::load(scores + i) - top);
      const V high = simd::exp2_rough(V::load(scores + i + V::kLanes) - top);
      neighbours(low, high).store(scores + i / 2);
      sum[0] = sum[0] + low;
      sum[1] = sum[1] + high;
    }
    return sum[0] + sum[1];
  }

 private:
  // 32 floats as 16 pairs in their order, rounded to nearest even.
  static V neighbours(V low, V high) {
    return {reinterpret_cast<__m512>(_mm512_cvtne2ps_pbh(high.v, low.v))};
  }
  // Unit i is lane i of both.
  static V interleaved(V first, V second) {
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __m512i index = _mm512_or_si512(low, _mm512_slli_epi32(_mm512_add_epi32(low, _mm512_set1_epi32(16)), 16));
    return {_mm512_castsi512_ps(_mm512_permutexvar_epi16(index, bits(neighbours(first, second))))};
  }
  static __m512i bits(V v) { return _mm512_castps_si512(v.v); }
};

}  // namespace docmind::kernels::avx512
