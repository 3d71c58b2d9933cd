// Codes of sealed pages (kv_page.h) in AVX-512: unpacked, and multiplied as bytes with vpdpbusd.
//
// A unit is one register: 16 lanes (tokens of keys, channels of values) of 4 codes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/simd/avx512.h"

namespace docmind::kernels::avx512 {

struct PageCodes {
  using V = Floats;
  using Unit = __m512i;

  template <int kBits>
  static Unit load(const std::byte* unit) {
    if constexpr (kBits == 8) {
      return _mm512_loadu_si512(unit);
    } else if constexpr (kBits == 4) {
      const __m512i twice = _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(unit)));
      const __m512i shifts = _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4);
      return _mm512_and_si512(_mm512_srlv_epi64(twice, shifts), _mm512_set1_epi8(15));
    } else {
      const __m512i all = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(unit)));
      const __m512i shifts = _mm512_setr_epi64(0, 0, 2, 2, 4, 4, 6, 6);
      const __m512i low = _mm512_and_si512(_mm512_srlv_epi64(all, shifts), _mm512_set1_epi8(3));
      if constexpr (kBits == 2) return low;
      uint64_t thirds;
      __builtin_memcpy(&thirds, unit + 16, sizeof thirds);
      return _mm512_mask_add_epi8(low, thirds, low, _mm512_set1_epi8(4));
    }
  }
  // four[k] has the k-th code of each lane.
  static void spread(Unit unit, V (&four)[4]) {
    const __m512i byte = _mm512_set1_epi32(255);
    four[0] = {_mm512_cvtepi32_ps(_mm512_and_si512(unit, byte))};
    four[1] = {_mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(unit, 8), byte))};
    four[2] = {_mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(unit, 16), byte))};
    four[3] = {_mm512_cvtepi32_ps(_mm512_srli_epi32(unit, 24))};
  }
};

// Whole numbers as factors of codes: one signed byte each.
struct ByteFactors {
  using V = Floats;
  using Factors = int32_t;  // of the four codes of a lane
  using Codes = __m512i;
  static constexpr int64_t kSumVectors = 1;
  static constexpr int64_t kSums = 20;  // vectors of sums that fit in registers beside codes and factors
  struct Sum {
    __m512i v;
  };

  // How large factors may be: sums of `n_terms` products must fit.
  static constexpr float largest(int64_t /*n_terms*/) { return 127; }
  static void store(V whole, Factors* to) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(whole.v)));
  }
  static Codes codes(PageCodes::Unit unit) { return unit; }
  static Sum zero() { return {_mm512_setzero_si512()}; }
  static void add(Sum& sum, const Codes& codes, const Factors& factors) {
    sum.v = _mm512_dpbusd_epi32(sum.v, codes, _mm512_set1_epi32(factors));
  }
  static V floats(Sum sum) { return {_mm512_cvtepi32_ps(sum.v)}; }
};

// The same with 16 bits, as 256 * high + low with two signed bytes.
struct WideFactors {
  using V = Floats;
  struct Factors {
    int32_t high;
    int32_t low;
  };
  using Codes = __m512i;
  static constexpr int64_t kSumVectors = 2;
  static constexpr int64_t kSums = 20;
  struct Sum {
    __m512i high;
    __m512i low;
  };

  static constexpr float largest(int64_t /*n_terms*/) { return 127 * 256; }
  static void store(V whole, Factors* to) {
    const __m512i x = _mm512_cvtps_epi32(whole.v);
    const __m128i low = _mm512_cvtepi32_epi8(x);  // x - 256 * high, as high rounds x / 256
    const __m128i high = _mm512_cvtepi32_epi8(_mm512_srai_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(128)), 8));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi32(high, low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 2), _mm_unpackhi_epi32(high, low));
  }
  static Codes codes(PageCodes::Unit unit) { return unit; }
  static Sum zero() { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }
  static void add(Sum& sum, const Codes& codes, const Factors& factors) {
    sum.high = _mm512_dpbusd_epi32(sum.high, codes, _mm512_set1_epi32(factors.high));
    sum.low = _mm512_dpbusd_epi32(sum.low, codes, _mm512_set1_epi32(factors.low));
  }
  // In floats, as the whole may exceed 32 bits.
  static V floats(Sum sum) {
    return fma(V{_mm512_cvtepi32_ps(sum.high)}, V::all(256.0f), V{_mm512_cvtepi32_ps(sum.low)});
  }
};

struct PageProducts {
  using Codes = PageCodes;
  using Narrow = ByteFactors;
  using Wide = WideFactors;
};

}  // namespace docmind::kernels::avx512
