// Activations: interleaving, and int8 codes with a scale per 32 values.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/activation_place.h"
#include "kernels/avx2/matmul.h"

namespace docmind::kernels::avx2 {
namespace {

__m256 magnitude(__m256 x) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

float largest(__m256 x) {
  __m128 max = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  max = _mm_max_ps(max, _mm_movehl_ps(max, max));
  max = _mm_max_ss(max, _mm_movehdup_ps(max));
  return _mm_cvtss_f32(max);
}

// 16 floats to 16 codes.
__m128i to_codes(__m256 low, __m256 high, __m256 inverse) {
  const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(low, inverse)),
                                           _mm256_cvtps_epi32(_mm256_mul_ps(high, inverse)));
  const __m256i ordered = _mm256_permute4x64_epi64(words, 0xd8);
  return _mm_packs_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
}

int sum_bytes(__m128i codes) {
  const __m128i sums = _mm_sad_epu8(_mm_xor_si128(codes, _mm_set1_epi8(-128)), _mm_setzero_si128());
  return _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 2) - 16 * 128;
}

void store_groups(__m128i codes, int8_t* to, int64_t stride) {
  const int groups[4] = {_mm_cvtsi128_si32(codes), _mm_extract_epi32(codes, 1), _mm_extract_epi32(codes, 2),
                         _mm_extract_epi32(codes, 3)};
  for (int g = 0; g < 4; ++g) __builtin_memcpy(to + g * stride, &groups[g], 4);
}

void quantize_block(const float* x, const ActivationPlace& at, int64_t block, const Activations& out) {
  __m256 part[4];
  __m256 peaks = _mm256_setzero_ps();
  for (int i = 0; i < 4; ++i) {
    part[i] = _mm256_loadu_ps(x + 8 * i);
    peaks = _mm256_max_ps(peaks, magnitude(part[i]));
  }
  const float peak = largest(peaks);
  const __m256 inverse = _mm256_set1_ps(peak > 0 ? 127.0f / peak : 0.0f);
  const __m128i codes[2] = {to_codes(part[0], part[1], inverse), to_codes(part[2], part[3], inverse)};
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

}  // namespace docmind::kernels::avx2
