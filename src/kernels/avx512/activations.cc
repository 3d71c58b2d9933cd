// Activations: interleaving, and int8 codes with a scale per 32 values.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/activation_place.h"
#include "kernels/avx512/matmul.h"

namespace docmind::kernels::avx512 {
namespace {

int sum_bytes(__m128i codes) {
  // Sums of 8 unsigned bytes (code + 128), twice.
  const __m128i sums = _mm_sad_epu8(_mm_xor_si128(codes, _mm_set1_epi8(-128)), _mm_setzero_si128());
  return _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 2) - 16 * 128;
}

void store_groups(__m128i codes, int8_t* to, int64_t stride) {
  const int groups[4] = {_mm_cvtsi128_si32(codes), _mm_extract_epi32(codes, 1), _mm_extract_epi32(codes, 2),
                         _mm_extract_epi32(codes, 3)};
  for (int g = 0; g < 4; ++g) __builtin_memcpy(to + g * stride, &groups[g], 4);
}

void quantize_block(const float* x, const ActivationPlace& at, int64_t block, const Activations& out) {
  const __m512 low = _mm512_loadu_ps(x);
  const __m512 high = _mm512_loadu_ps(x + 16);
  const float peak = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
  const __m512 inverse = _mm512_set1_ps(peak > 0 ? 127.0f / peak : 0.0f);
  const __m128i codes[2] = {_mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(low, inverse))),
                            _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(high, inverse)))};
  const int64_t stride = at.width() * 4;
  int8_t* to = out.codes + at.code(block * 32);
  store_groups(codes[0], to, stride);
  store_groups(codes[1], to + 4 * stride, stride);
  const int sums[2] = {sum_bytes(codes[0]), sum_bytes(codes[1])};
  const float scale = peak / 127.0f;
  const int64_t place = at.block(block);
  out.scales[place] = scale;
  out.offsets[place] = -128 * (sums[0] + sums[1]);
  out.sums[place] = scale * static_cast<float>(sums[0] + sums[1]);
  out.offsets16[at.half_block(2 * block)] = -128 * sums[0];
  out.offsets16[at.half_block(2 * block + 1)] = -128 * sums[1];
}

}  // namespace

void load_activations(const float* x, int64_t stride, int64_t row, int64_t n_rows, Activations& out) {
  for (int64_t t = row; t < row + n_rows; ++t, x += stride) {
    const ActivationPlace at(out, t);
    if (out.quantized) {
      for (int64_t b = 0; b < out.cols / kActivationBlock; ++b) quantize_block(x + 32 * b, at, b, out);
    } else if (at.width() == 1) {
      __builtin_memcpy(out.values + at.value(0), x, static_cast<size_t>(out.cols) * sizeof(float));
    } else {
      for (int64_t c = 0; c < out.cols; ++c) out.values[at.value(c)] = x[c];
    }
  }
}

}  // namespace docmind::kernels::avx512
