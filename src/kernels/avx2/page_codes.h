// Codes of sealed pages (kv_page.h) in AVX2: unpacked, and multiplied as 16-bit words, because its product
// of unsigned and signed bytes saturates.
//
// A unit is two registers: 16 lanes (tokens of keys, channels of values) of 4 codes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/simd/avx2.h"

namespace docmind::kernels::avx2 {

struct PageCodes {
  using V = Floats;
  struct Unit {
    __m256i low;
    __m256i high;
  };

  template <int kBits>
  static Unit load(const std::byte* unit) {
    if constexpr (kBits == 8) {
      return {load_32(unit), load_32(unit + 32)};
    } else if constexpr (kBits == 4) {
      const __m256i mask = _mm256_set1_epi8(15);
      const __m256i both = load_32(unit);
      return {_mm256_and_si256(both, mask), _mm256_and_si256(_mm256_srli_epi16(both, 4), mask)};
    } else {
      const __m256i mask = _mm256_set1_epi8(3);
      const __m256i all = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(unit)));
      const __m256i first = _mm256_srlv_epi64(all, _mm256_setr_epi64x(0, 0, 2, 2));
      const Unit low = {_mm256_and_si256(first, mask), _mm256_and_si256(_mm256_srli_epi64(first, 4), mask)};
      if constexpr (kBits == 2) return low;
      return {_mm256_or_si256(low.low, thirds(unit + 16)), _mm256_or_si256(low.high, thirds(unit + 20))};
    }
  }
  // four[k] has the k-th code of each lane.
  static void spread(Unit unit, V (&four)[4]) {
    const __m256i byte = _mm256_set1_epi32(255);
    const auto part = [byte](__m256i lanes, int shift) {
      return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(lanes, shift), byte));
    };
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) four[k] = {part(unit.low, 8 * k), part(unit.high, 8 * k)};
  }

 private:
  static __m256i load_32(const std::byte* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
  // The third bits of 32 codes, each as a byte of 4 or 0.
  static __m256i thirds(const std::byte* at) {
    int bits;
    __builtin_memcpy(&bits, at, sizeof bits);
    const __m256i byte_of = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit_of = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
    const __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), byte_of), bit_of);
    return _mm256_and_si256(_mm256_cmpeq_epi8(spread, bit_of), _mm256_set1_epi8(4));
  }
};

// Whole numbers of 16 bits as factors of codes.
struct WordFactors {
  using V = Floats;
  struct Factors {  // of the four codes of a lane: the first and third, the second and fourth
    int32_t even;
    int32_t odd;
  };
  struct Codes {
    __m256i low_even, low_odd, high_even, high_odd;
  };
  static constexpr int64_t kSumVectors = 2;
  static constexpr int64_t kSums = 10;  // vectors of sums that fit in registers beside codes and factors
  struct Sum {
    __m256i low;
    __m256i high;
  };

  // How large factors may be: sums of `n_terms` products with codes of 8 bits must fit.
  static constexpr float largest(int64_t n_terms) {
    const int64_t most = ((int64_t{1} << 31) - 1) / (255 * n_terms);
    return static_cast<float>(most < 32767 ? most : 32767);
  }
  static void store(V whole, Factors* to) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(whole.low), _mm256_cvtps_epi32(whole.high));
    const __m256i in_order = _mm256_permute4x64_epi64(words, 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(in_order, 0xd8), 0xd8));
  }
  static Codes codes(PageCodes::Unit unit) {
    const __m256i even = _mm256_set1_epi16(255);
    return {_mm256_and_si256(unit.low, even), _mm256_srli_epi16(unit.low, 8), _mm256_and_si256(unit.high, even),
            _mm256_srli_epi16(unit.high, 8)};
  }
  static Sum zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static void add(Sum& sum, const Codes& codes, const Factors& factors) {
    const __m256i even = _mm256_set1_epi32(factors.even), odd = _mm256_set1_epi32(factors.odd);
    sum.low = _mm256_add_epi32(sum.low, _mm256_add_epi32(_mm256_madd_epi16(codes.low_even, even),
                                                         _mm256_madd_epi16(codes.low_odd, odd)));
    sum.high = _mm256_add_epi32(sum.high, _mm256_add_epi32(_mm256_madd_epi16(codes.high_even, even),
                                                           _mm256_madd_epi16(codes.high_odd, odd)));
  }
  static V floats(Sum sum) { return {_mm256_cvtepi32_ps(sum.low), _mm256_cvtepi32_ps(sum.high)}; }
};

struct PageProducts {
  using Codes = PageCodes;
  using Narrow = WordFactors;
  using Wide = WordFactors;
};

}  // namespace docmind::kernels::avx2
