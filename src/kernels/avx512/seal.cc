// Sealing: simd/seal.h compiled for AVX-512, and how it packs codes.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/seal.h"

#include <immintrin.h>

#include "kernels/simd/avx512.h"
#include "kernels/simd/seal.h"

namespace docmind::kernels::avx512 {
namespace {

struct SealUnits {
  using V = Floats;
  using Codes = __m512i;  // 64 codes, a byte each

  // Infinities become the largest Half, NaN becomes 0.
  static V finite(V x) {
    constexpr int kSmallerMagnitude = 2, kSignOfFirst = 0;
    const __mmask16 number = _mm512_cmp_ps_mask(x.v, x.v, _CMP_ORD_Q);
    return {_mm512_maskz_range_ps(number, x.v, _mm512_set1_ps(kLargestHalf), kSmallerMagnitude | kSignOfFirst << 2)};
  }
  static V magnitude(V x) { return {_mm512_abs_ps(x.v)}; }
  static V where_positive(V condition, V yes, V no) {
    const __mmask16 positive = _mm512_cmp_ps_mask(condition.v, _mm512_setzero_ps(), _CMP_GT_OQ);
    return {_mm512_mask_blend_ps(positive, no.v, yes.v)};
  }

  // The nearest whole numbers of 16 channels of four tokens: 128-bit lane q has channels 4 q to 4 q + 3 of
  // the first token, then of the second.
  static Codes codes_of(const V (&at)[4]) {
    const __m512i first = _mm512_packs_epi32(_mm512_cvtps_epi32(at[0].v), _mm512_cvtps_epi32(at[1].v));
    const __m512i second = _mm512_packs_epi32(_mm512_cvtps_epi32(at[2].v), _mm512_cvtps_epi32(at[3].v));
    return _mm512_packus_epi16(first, second);
  }
  // Lane j of codes i becomes lane i of codes j.
  static void exchange(Codes (&codes)[4]) {
    const __m512i even_low = _mm512_shuffle_i32x4(codes[0], codes[1], 0x88);
    const __m512i even_high = _mm512_shuffle_i32x4(codes[2], codes[3], 0x88);
    const __m512i odd_low = _mm512_shuffle_i32x4(codes[0], codes[1], 0xdd);
    const __m512i odd_high = _mm512_shuffle_i32x4(codes[2], codes[3], 0xdd);
    codes[0] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
    codes[1] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
    codes[2] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
    codes[3] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
  }
  // In each lane, the four tokens of the first channel, then of the second.
  static Codes channels_first(Codes codes) {
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_shuffle_epi8(codes, _mm512_broadcast_i32x4(order));
  }

  // As a unit of kv_page.h.
  static void store(Codes codes, int bits, std::byte* unit) {
    switch (bits) {
      case 8: return _mm512_storeu_si512(unit, codes);
      case 4: return _mm256_storeu_si256(reinterpret_cast<__m256i*>(unit), halves_together(codes, 4));
      case 2: return store_two_bits(codes, unit);
      default: break;
    }
    store_two_bits(_mm512_and_si512(codes, _mm512_set1_epi8(3)), unit);
    const __mmask64 third = _mm512_movepi8_mask(_mm512_slli_epi16(codes, 5));
    __builtin_memcpy(unit + 16, &third, sizeof third);
  }

 private:
  // Codes are too small to be shifted into a neighbour.
  static __m256i halves_together(__m512i codes, int shift) {
    const __m256i high = _mm512_extracti64x4_epi64(codes, 1);
    return _mm256_or_si256(_mm512_castsi512_si256(codes), _mm256_slli_epi16(high, shift));
  }
  static void store_two_bits(__m512i codes, std::byte* unit) {
    const __m256i pairs = halves_together(codes, 4);
    const __m128i high = _mm_slli_epi16(_mm256_extracti128_si256(pairs, 1), 2);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(unit), _mm_or_si128(_mm256_castsi256_si128(pairs), high));
  }
};

}  // namespace

void seal(const KvSealJob& job, int64_t head_begin, int64_t head_end) {
  simd::seal<SealUnits>(job, head_begin, head_end);
}

}  // namespace docmind::kernels::avx512
