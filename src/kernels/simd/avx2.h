// Floats for AVX2: 16 floats in two registers, with the operations that simd/*.h are written in
// (simd/avx512.h says what each does). Only for files of kernels/avx2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels::avx2 {

struct Floats {
  __m256 low;
  __m256 high;

  static constexpr int64_t kLanes = 16;

  static Floats zero() { return all(0.0f); }
  static Floats all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Floats load(const Half* p) { return {eight_halves(p), eight_halves(p + 8)}; }
  static Floats load_first(const float* p, int64_t n, Floats fill = zero()) {
    const Masks masks = first(n);
    return {_mm256_blendv_ps(fill.low, _mm256_maskload_ps(p, masks.low), _mm256_castsi256_ps(masks.low)),
            _mm256_blendv_ps(fill.high, _mm256_maskload_ps(p + 8, masks.high), _mm256_castsi256_ps(masks.high))};
  }
  static Floats load_first(const Half* p, int64_t n) {
    Half copy[16] = {};
    for (int64_t i = 0; i < n; ++i) copy[i] = p[i];
    return load(copy);
  }
  void store(float* p) const {
    _mm256_storeu_ps(p, low);
    _mm256_storeu_ps(p + 8, high);
  }
  void store(Half* p) const {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(low, kNearest));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(high, kNearest));
  }
  void store_first(float* p, int64_t n) const {
    const Masks masks = first(n);
    _mm256_maskstore_ps(p, masks.low, low);
    _mm256_maskstore_ps(p + 8, masks.high, high);
  }
  void store_first(Half* p, int64_t n) const {
    Half copy[16];
    store(copy);
    for (int64_t i = 0; i < n; ++i) p[i] = copy[i];
  }

  friend Floats operator+(Floats a, Floats b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  friend Floats operator-(Floats a, Floats b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
  friend Floats operator*(Floats a, Floats b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  friend Floats operator/(Floats a, Floats b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
  friend Floats fma(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  friend Floats fnma(Floats a, Floats b, Floats c) {
    return {_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high)};
  }
  friend Floats fma_alternating(Floats a, Floats b, Floats c) {
    return {_mm256_fmaddsub_ps(a.low, b.low, c.low), _mm256_fmaddsub_ps(a.high, b.high, c.high)};
  }
  friend Floats max(Floats a, Floats b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
  friend Floats min(Floats a, Floats b) { return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
  friend Floats round(Floats a) { return {_mm256_round_ps(a.low, kRound), _mm256_round_ps(a.high, kRound)}; }

  friend Floats scale_by_power(Floats a, Floats n) { return {scaled(a.low, n.low), scaled(a.high, n.high)}; }
  friend Floats add_exponent(Floats a, Floats bits) { return {shifted(a.low, bits.low), shifted(a.high, bits.high)}; }

  friend Floats duplicate_even(Floats a) { return {_mm256_moveldup_ps(a.low), _mm256_moveldup_ps(a.high)}; }
  friend Floats duplicate_odd(Floats a) { return {_mm256_movehdup_ps(a.low), _mm256_movehdup_ps(a.high)}; }
  friend Floats swap_pairs(Floats a) { return {_mm256_permute_ps(a.low, 0xb1), _mm256_permute_ps(a.high, 0xb1)}; }
  static void load_pairs(const float* p, Floats& even, Floats& odd) {
    split_pairs(p, even.low, odd.low);
    split_pairs(p + 16, even.high, odd.high);
  }

  friend float sum_of(Floats a) {
    __m256 eight = _mm256_add_ps(a.low, a.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }
  friend float max_of(Floats a) {
    __m256 eight = _mm256_max_ps(a.low, a.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
  friend int64_t find(Floats a, Floats x) {
    const int in_low = _mm256_movemask_ps(_mm256_cmp_ps(a.low, x.low, _CMP_EQ_OQ));
    const int in_high = _mm256_movemask_ps(_mm256_cmp_ps(a.high, x.high, _CMP_EQ_OQ));
    return __builtin_ctz(0x10000 | in_high << 8 | in_low);
  }

  static Floats sums(const Floats (&rows)[16]) {
    constexpr auto kAdd = [](__m256 a, __m256 b) { return _mm256_add_ps(a, b); };
    return {merge_eight(rows, kAdd), merge_eight(rows + 8, kAdd)};
  }
  static Floats maxima(const Floats (&rows)[16]) {
    constexpr auto kMax = [](__m256 a, __m256 b) { return _mm256_max_ps(a, b); };
    return {merge_eight(rows, kMax), merge_eight(rows + 8, kMax)};
  }

  static void transpose(Floats (&rows)[16]) {
    __m256 quarter[4][8];
    for (int i = 0; i < 8; ++i) {
      quarter[0][i] = rows[i].low;
      quarter[1][i] = rows[i].high;
      quarter[2][i] = rows[8 + i].low;
      quarter[3][i] = rows[8 + i].high;
    }
    for (auto& part : quarter) transpose_eight(part);
    for (int i = 0; i < 8; ++i) {
      rows[i] = {quarter[0][i], quarter[2][i]};
      rows[8 + i] = {quarter[1][i], quarter[3][i]};
    }
  }

 private:
  struct Masks {
    __m256i low;
    __m256i high;
  };
  static constexpr int kRound = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

  static Masks first(int64_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i count = _mm256_set1_epi32(static_cast<int>(n));
    return {_mm256_cmpgt_epi32(count, lane),
            _mm256_cmpgt_epi32(count, _mm256_add_epi32(lane, _mm256_set1_epi32(8)))};
  }
  static __m256 eight_halves(const Half* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  // In two factors, as one alone cannot reach subnormals or beyond 2^127.
  static __m256 scaled(__m256 a, __m256 n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(a, power(half)), power(_mm256_sub_epi32(whole, half)));
  }
  static __m256 power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static __m256 shifted(__m256 a, __m256 bits) {
    const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(bits), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), n));
  }
  static void split_pairs(const float* p, __m256& even, __m256& odd) {
    const __m256 a = _mm256_loadu_ps(p);
    const __m256 b = _mm256_loadu_ps(p + 8);
    const __m256 first_half = _mm256_permute2f128_ps(a, b, 0x20);
    const __m256 second_half = _mm256_permute2f128_ps(a, b, 0x31);
    even = _mm256_shuffle_ps(first_half, second_half, 0x88);
    odd = _mm256_shuffle_ps(first_half, second_half, 0xdd);
  }
  template <class F>
  static __m256 merge_eight(const Floats* rows, F f) {
    __m256 pairs[4];
    for (int i = 0; i < 4; ++i) {
      const __m256 a = f(rows[2 * i].low, rows[2 * i].high);
      const __m256 b = f(rows[2 * i + 1].low, rows[2 * i + 1].high);
      pairs[i] = f(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    }
    const auto four_of = [&](__m256 a, __m256 b) {
      return f(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
    };
    const __m256 first_four = four_of(pairs[0], pairs[1]);
    const __m256 last_four = four_of(pairs[2], pairs[3]);
    return f(_mm256_permute2f128_ps(first_four, last_four, 0x20),
             _mm256_permute2f128_ps(first_four, last_four, 0x31));
  }
  static void transpose_eight(__m256 (&rows)[8]) {
    __m256 pairs[8];
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
    }
    __m256 fours[8];
    for (int i = 0; i < 8; i += 4) {
      for (int half = 0; half < 2; ++half) {
        fours[i + 2 * half] = _mm256_shuffle_ps(pairs[i + half], pairs[i + 2 + half], 0x44);
        fours[i + 2 * half + 1] = _mm256_shuffle_ps(pairs[i + half], pairs[i + 2 + half], 0xee);
      }
    }
    for (int c = 0; c < 4; ++c) {
      rows[c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x20);
      rows[4 + c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x31);
    }
  }
};

}  // namespace docmind::kernels::avx2
