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

constexpr int kTogether = 4;  // blocks

// The largest magnitudes of four blocks, side by side.
__m128 peaks_of(const __m512 (&low)[kTogether], const __m512 (&high)[kTogether]) {
  __m512 max[kTogether];
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) max[i] = _mm512_max_ps(_mm512_abs_ps(low[i]), _mm512_abs_ps(high[i]));
  const __m512 pair[2] = {_mm512_max_ps(_mm512_unpacklo_ps(max[0], max[1]), _mm512_unpackhi_ps(max[0], max[1])),
                          _mm512_max_ps(_mm512_unpacklo_ps(max[2], max[3]), _mm512_unpackhi_ps(max[2], max[3]))};
  const __m512d first = _mm512_castps_pd(pair[0]), second = _mm512_castps_pd(pair[1]);
  __m512 all = _mm512_max_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(first, second)),
                             _mm512_castpd_ps(_mm512_unpackhi_pd(first, second)));
  all = _mm512_max_ps(all, _mm512_shuffle_f32x4(all, all, 0x4e));
  all = _mm512_max_ps(all, _mm512_shuffle_f32x4(all, all, 0xb1));
  return _mm512_castps512_ps128(all);
}

// Codes of two blocks: of 128-bit lane j, the dwords are group j and j + 4 of the first block, then
// of the second.
__m512i codes_of(const __m512 (&low)[kTogether], const __m512 (&high)[kTogether], int i, __m128 inverse) {
  const __m512i which[2] = {_mm512_set1_epi32(i), _mm512_set1_epi32(i + 1)};
  const __m512 all = _mm512_castps128_ps512(inverse);
  const __m512 factor[2] = {_mm512_permutexvar_ps(which[0], all), _mm512_permutexvar_ps(which[1], all)};
  const __m512i words[2] = {_mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(low[i], factor[0])),
                                               _mm512_cvtps_epi32(_mm512_mul_ps(high[i], factor[0]))),
                            _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(low[i + 1], factor[1])),
                                               _mm512_cvtps_epi32(_mm512_mul_ps(high[i + 1], factor[1])))};
  return _mm512_packs_epi16(words[0], words[1]);
}

// -128 * the sums of the two blocks' halves, in order.
__m128i offsets_of(__m512i codes) {
  __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), codes);
  sums = _mm512_add_epi32(sums, _mm512_shuffle_i32x4(sums, sums, 0x4e));
  sums = _mm512_add_epi32(sums, _mm512_shuffle_i32x4(sums, sums, 0xb1));
  return _mm_sub_epi32(_mm_setzero_si128(), _mm_slli_epi32(_mm512_castsi512_si128(sums), 7));
}

void store_two_blocks(__m512i codes, const ActivationPlace& at, int64_t block, const Activations& out) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i groups = _mm512_permutexvar_epi32(order, codes);
  int8_t* to = out.codes + at.code(block * 32);
  if (at.width() == 1) return _mm512_storeu_si512(to, groups);
  alignas(64) int32_t each[16];
  _mm512_store_si512(each, groups);
  const int64_t stride = at.width() * 4;
#pragma GCC unroll 16
  for (int g = 0; g < 16; ++g) __builtin_memcpy(to + g * stride, &each[g], 4);
}

// The same as quantize_block() four times; shuffles and divisions are shared.
void quantize_four(const float* x, const ActivationPlace& at, int64_t block, const Activations& out) {
  __m512 low[kTogether], high[kTogether];
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) {
    low[i] = _mm512_loadu_ps(x + 32 * i);
    high[i] = _mm512_loadu_ps(x + 32 * i + 16);
  }
  const __m128 peaks = peaks_of(low, high);
  const __m128 most = _mm_set1_ps(127.0f);
  const __m128 inverse = _mm_maskz_div_ps(_mm_cmp_ps_mask(peaks, _mm_setzero_ps(), _CMP_GT_OQ), most, peaks);
  alignas(16) float scales[kTogether];
  alignas(32) int32_t offsets16[2 * kTogether];
  _mm_store_ps(scales, _mm_div_ps(peaks, most));
#pragma GCC unroll 2
  for (int i = 0; i < kTogether; i += 2) {
    const __m512i codes = codes_of(low, high, i, inverse);
    store_two_blocks(codes, at, block + i, out);
    _mm_store_si128(reinterpret_cast<__m128i*>(offsets16 + 2 * i), offsets_of(codes));
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) {
    const int64_t place = at.block(block + i);
    const int32_t offset = offsets16[2 * i] + offsets16[2 * i + 1];
    out.scales[place] = scales[i];
    out.offsets[place] = offset;
    out.sums[place] = scales[i] * (static_cast<float>(offset) * (-1.0f / 128));
    out.offsets16[at.half_block(2 * (block + i))] = offsets16[2 * i];
    out.offsets16[at.half_block(2 * (block + i) + 1)] = offsets16[2 * i + 1];
  }
}

void quantize_row(const float* x, const ActivationPlace& at, const Activations& out) {
  const int64_t n_blocks = out.cols / kActivationBlock;
  int64_t b = 0;
  for (; b + kTogether <= n_blocks; b += kTogether) quantize_four(x + 32 * b, at, b, out);
  for (; b < n_blocks; ++b) quantize_block(x + 32 * b, at, b, out);
}

}  // namespace

void load_activations(const float* x, int64_t stride, int64_t row, int64_t n_rows, Activations& out) {
  for (int64_t t = row; t < row + n_rows; ++t, x += stride) {
    const ActivationPlace at(out, t);
    if (out.quantized) {
      quantize_row(x, at, out);
    } else if (at.width() == 1) {
      __builtin_memcpy(out.values + at.value(0), x, static_cast<size_t>(out.cols) * sizeof(float));
    } else {
      for (int64_t c = 0; c < out.cols; ++c) out.values[at.value(c)] = x[c];
    }
  }
}

}  // namespace docmind::kernels::avx512
