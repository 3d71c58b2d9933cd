// Sealing: simd/seal.h compiled for AVX2, and how it packs codes (avx512/seal.cc says what each step does).
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/seal.h"

#include <immintrin.h>

#include "kernels/simd/avx2.h"
#include "kernels/simd/seal.h"

namespace docmind::kernels::avx2 {
namespace {

struct SealUnits {
  using V = Floats;
  struct Codes {
    __m256i low;  // lanes 0 and 1
    __m256i high;
  };

  static V finite(V x) {
    const V number = {_mm256_and_ps(x.low, _mm256_cmp_ps(x.low, x.low, _CMP_ORD_Q)),
                      _mm256_and_ps(x.high, _mm256_cmp_ps(x.high, x.high, _CMP_ORD_Q))};
    return min(max(number, V::all(-kLargestHalf)), V::all(kLargestHalf));
  }
  static V magnitude(V x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.low), _mm256_andnot_ps(sign, x.high)};
  }
  static V where_positive(V condition, V yes, V no) {
    return {chosen(condition.low, yes.low, no.low), chosen(condition.high, yes.high, no.high)};
  }

  static Codes codes_of(const V (&at)[4]) {
    return {packed(at[0].low, at[1].low, at[2].low, at[3].low), packed(at[0].high, at[1].high, at[2].high, at[3].high)};
  }
  static void exchange(Codes (&codes)[4]) {
    const Codes copy[4] = {codes[0], codes[1], codes[2], codes[3]};
    const auto first_lanes = [](__m256i a, __m256i b) { return _mm256_permute2x128_si256(a, b, 0x20); };
    const auto second_lanes = [](__m256i a, __m256i b) { return _mm256_permute2x128_si256(a, b, 0x31); };
    codes[0] = {first_lanes(copy[0].low, copy[1].low), first_lanes(copy[2].low, copy[3].low)};
    codes[1] = {second_lanes(copy[0].low, copy[1].low), second_lanes(copy[2].low, copy[3].low)};
    codes[2] = {first_lanes(copy[0].high, copy[1].high), first_lanes(copy[2].high, copy[3].high)};
    codes[3] = {second_lanes(copy[0].high, copy[1].high), second_lanes(copy[2].high, copy[3].high)};
  }
  static Codes channels_first(Codes codes) {
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m256i both = _mm256_broadcastsi128_si256(order);
    return {_mm256_shuffle_epi8(codes.low, both), _mm256_shuffle_epi8(codes.high, both)};
  }

  static void store(Codes codes, int bits, std::byte* unit) {
    __m256i* to = reinterpret_cast<__m256i*>(unit);
    switch (bits) {
      case 8:
        _mm256_storeu_si256(to, codes.low);
        return _mm256_storeu_si256(to + 1, codes.high);
      case 4: return _mm256_storeu_si256(to, halves_together(codes));
      case 2: return store_two_bits(codes, unit);
      default: break;
    }
    const __m256i three = _mm256_set1_epi8(3);
    store_two_bits({_mm256_and_si256(codes.low, three), _mm256_and_si256(codes.high, three)}, unit);
    const int third[2] = {_mm256_movemask_epi8(_mm256_slli_epi16(codes.low, 5)),
                          _mm256_movemask_epi8(_mm256_slli_epi16(codes.high, 5))};
    __builtin_memcpy(unit + 16, third, sizeof third);
  }

 private:
  static __m256 chosen(__m256 condition, __m256 yes, __m256 no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(condition, _mm256_setzero_ps(), _CMP_GT_OQ));
  }
  static __m256i packed(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256i first = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    return _mm256_packus_epi16(first, _mm256_packs_epi32(_mm256_cvtps_epi32(c), _mm256_cvtps_epi32(d)));
  }
  static __m256i halves_together(Codes codes) { return _mm256_or_si256(codes.low, _mm256_slli_epi16(codes.high, 4)); }
  static void store_two_bits(Codes codes, std::byte* unit) {
    const __m256i pairs = halves_together(codes);
    const __m128i high = _mm_slli_epi16(_mm256_extracti128_si256(pairs, 1), 2);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(unit), _mm_or_si128(_mm256_castsi256_si128(pairs), high));
  }
};

}  // namespace

void seal(const KvSealJob& job, int64_t head_begin, int64_t head_end) {
  simd::seal<SealUnits>(job, head_begin, head_end);
}

}  // namespace docmind::kernels::avx2
