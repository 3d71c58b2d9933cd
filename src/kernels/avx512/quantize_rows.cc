// Rows to blocks: simd/quantize_rows.h compiled for AVX-512.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/quantize_rows.h"

#include <immintrin.h>

#include "kernels/simd/avx512.h"
#include "kernels/simd/quantize_rows.h"

namespace docmind::kernels::avx512 {
namespace {

struct QuantizeUnits {
  using V = Floats;

  static V pick_less(V a, V b, V yes, V no) {
    return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
  }
  static V magnitude(V x) { return {_mm512_abs_ps(x.v)}; }
  static void store_codes(V x, uint8_t* bytes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x.v)));
  }
};

}  // namespace

bool quantize_rows(const QuantizeJob& job, std::byte* scratch) {
  return simd::quantize_rows<QuantizeUnits>(job, scratch);
}

}  // namespace docmind::kernels::avx512
