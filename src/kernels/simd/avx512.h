// Floats for AVX-512: 16 floats in one register, with the operations that simd/*.h are written in.
// Only for files of kernels/avx512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels::avx512 {

struct Floats {
  __m512 v;

  static constexpr int64_t kLanes = 16;

  static Floats zero() { return {_mm512_setzero_ps()}; }
  static Floats all(float x) { return {_mm512_set1_ps(x)}; }
  static Floats load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Floats load(const Half* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  // The first n (0 to 16) lanes from memory, nothing else of which is read; `fill` in the others.
  static Floats load_first(const float* p, int64_t n, Floats fill = zero()) {
    return {_mm512_mask_loadu_ps(fill.v, first(n), p)};
  }
  static Floats load_first(const Half* p, int64_t n) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p))};
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(Half* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), halves()); }
  void store_first(float* p, int64_t n) const { _mm512_mask_storeu_ps(p, first(n), v); }
  void store_first(Half* p, int64_t n) const { _mm256_mask_storeu_epi16(p, first(n), halves()); }

  friend Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Floats operator*(Floats a, Floats b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Floats operator/(Floats a, Floats b) { return {_mm512_div_ps(a.v, b.v)}; }
  // a * b + c
  friend Floats fma(Floats a, Floats b, Floats c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  // c - a * b
  friend Floats fnma(Floats a, Floats b, Floats c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
  // a * b - c in even lanes, a * b + c in odd ones
  friend Floats fma_alternating(Floats a, Floats b, Floats c) { return {_mm512_fmaddsub_ps(a.v, b.v, c.v)}; }
  // `b` where one of the two is NaN.
  friend Floats max(Floats a, Floats b) { return {_mm512_max_ps(a.v, b.v)}; }
  friend Floats min(Floats a, Floats b) { return {_mm512_min_ps(a.v, b.v)}; }
  friend Floats round(Floats a) { return {_mm512_roundscale_ps(a.v, 0x08)}; }

  // a * 2^n for whole n from -200 to 200; rounds to subnormals, 0 and infinity.
  friend Floats scale_by_power(Floats a, Floats n) { return {_mm512_scalef_ps(a.v, n.v)}; }
  // Adds the lowest bits of `bits` to the exponent of a: a * 2^n where bits is n + 1.5 * 2^23.
  friend Floats add_exponent(Floats a, Floats bits) {
    const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(bits.v), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), n))};
  }

  friend Floats duplicate_even(Floats a) { return {_mm512_moveldup_ps(a.v)}; }
  friend Floats duplicate_odd(Floats a) { return {_mm512_movehdup_ps(a.v)}; }
  friend Floats swap_pairs(Floats a) { return {_mm512_permute_ps(a.v, 0xb1)}; }
  // The even and the odd elements of p[0..31].
  static void load_pairs(const float* p, Floats& even, Floats& odd) {
    const __m512i index = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512 low = _mm512_loadu_ps(p);
    const __m512 high = _mm512_loadu_ps(p + 16);
    even.v = _mm512_permutex2var_ps(low, index, high);
    odd.v = _mm512_permutex2var_ps(low, _mm512_or_si512(index, _mm512_set1_epi32(1)), high);
  }

  friend float sum_of(Floats a) { return _mm512_reduce_add_ps(a.v); }
  friend float max_of(Floats a) { return _mm512_reduce_max_ps(a.v); }
  // Lane of the first element that equals x, or 16.
  friend int64_t find(Floats a, Floats x) {
    return __builtin_ctz(0x10000u | _mm512_cmp_ps_mask(a.v, x.v, _CMP_EQ_OQ));
  }

  // Lane i of the answer is the sum (the largest) of the lanes of rows[i].
  static Floats sums(const Floats (&rows)[16]) {
    return merge(rows, [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); });
  }
  static Floats maxima(const Floats (&rows)[16]) {
    return merge(rows, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
  }

  // rows[i] lane j becomes rows[j] lane i.
  static void transpose(Floats (&rows)[16]) {
    __m512 pairs[16];
    for (int i = 0; i < 16; i += 2) {
      pairs[i] = _mm512_unpacklo_ps(rows[i].v, rows[i + 1].v);
      pairs[i + 1] = _mm512_unpackhi_ps(rows[i].v, rows[i + 1].v);
    }
    __m512 fours[16];  // [4 q + c]: in each quarter, column c of that quarter of rows 4 q to 4 q + 3
    for (int i = 0; i < 16; i += 4) {
      for (int half = 0; half < 2; ++half) {
        const __m512d a = _mm512_castps_pd(pairs[i + half]);
        const __m512d b = _mm512_castps_pd(pairs[i + 2 + half]);
        fours[i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
        fours[i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
      }
    }
    for (int c = 0; c < 4; ++c) {
      const __m512 even_low = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0x88);
      const __m512 odd_low = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0xdd);
      const __m512 even_high = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0x88);
      const __m512 odd_high = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0xdd);
      rows[c].v = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
      rows[4 + c].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
      rows[8 + c].v = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
      rows[12 + c].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
    }
  }

 private:
  static __mmask16 first(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
  __m256i halves() const { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  template <class F>
  static Floats merge(const Floats (&rows)[16], F f) {
    const auto halves_of = [&](__m512 a, __m512 b) {
      return _mm512_castps_pd(f(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
    };
    const auto quarters_of = [&](__m512 a, __m512 b) {
      return f(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    };
    __m512 four[4];
    for (int i = 0; i < 4; ++i) {
      const __m512d first_pair = halves_of(rows[4 * i].v, rows[4 * i + 1].v);
      const __m512d second_pair = halves_of(rows[4 * i + 2].v, rows[4 * i + 3].v);
      four[i] = f(_mm512_castpd_ps(_mm512_unpacklo_pd(first_pair, second_pair)),
                  _mm512_castpd_ps(_mm512_unpackhi_pd(first_pair, second_pair)));
    }
    return {quarters_of(quarters_of(four[0], four[1]), quarters_of(four[2], four[3]))};
  }
};

}  // namespace docmind::kernels::avx512
