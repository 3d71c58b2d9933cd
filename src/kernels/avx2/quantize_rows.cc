// Rows to blocks: simd/quantize_rows.h compiled for AVX2.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/quantize_rows.h"

#include <immintrin.h>

#include "kernels/simd/avx2.h"
#include "kernels/simd/quantize_rows.h"

namespace docmind::kernels::avx2 {
namespace {

struct QuantizeUnits {
  using V = Floats;

  static V pick_less(V a, V b, V yes, V no) {
    return {_mm256_blendv_ps(no.low, yes.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
            _mm256_blendv_ps(no.high, yes.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
  }
  static V magnitude(V x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.low), _mm256_andnot_ps(sign, x.high)};
  }
  static void store_codes(V x, uint8_t* bytes) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high));
    // Only the low byte of each word counts; packing works on 128-bit halves.
    const __m256i low_bytes = _mm256_and_si256(words, _mm256_set1_epi16(255));
    const __m256i packed = _mm256_packus_epi16(low_bytes, low_bytes);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    const __m256i in_order = _mm256_permutevar8x32_epi32(packed, order);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm256_castsi256_si128(in_order));
  }
};

}  // namespace

bool quantize_rows(const QuantizeJob& job, std::byte* scratch) {
  return simd::quantize_rows<QuantizeUnits>(job, scratch);
}

}  // namespace docmind::kernels::avx2
