// The inner products of one block of 32 columns: int8 dot products, then scales in float.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include "kernels/avx512/formats.h"

namespace docmind::kernels::avx512 {

// One tile of activations: T rows, interleaved (packed_matrix.h).
struct TileView {
  const int8_t* codes;
  const float* scales;
  const float* sums;
  const int32_t* offsets;
  const int32_t* offsets16;
};

inline TileView tile_view(const Activations& x, int64_t tile) {
  const int64_t blocks = tile * (x.cols / kActivationBlock);
  return {x.codes + tile * x.cols, x.scales + blocks, x.sums + blocks, x.offsets + blocks, x.offsets16 + 2 * blocks};
}

inline __m512i broadcast4(const int8_t* four) {
  int value;
  __builtin_memcpy(&value, four, sizeof value);
  return _mm512_set1_epi32(value);
}

// -kOffset * sum from the stored -128 * sum; a power of two, so the shift is exact.
template <typename Trait>
inline __m512i start(int32_t offset) {
  if constexpr (Trait::kOffset == 0) {
    return _mm512_setzero_si512();
  } else if constexpr (Trait::kOffset == 128) {
    return _mm512_set1_epi32(offset);
  } else {
    return _mm512_srai_epi32(_mm512_set1_epi32(offset), Trait::kOffset == 8 ? 4 : 2);
  }
}

// total += scale * activation scale * dot
inline __m512 accumulate(__m512 total, __m512i dot, __m512 scale, float activation_scale) {
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(scale, _mm512_set1_ps(activation_scale)), total);
}

// What the sums of a panel's rows start from; `bias` is the panel's part or null.
inline __m512 first_sum(const float* bias, __mmask16 rows) {
  return bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(rows, bias);
}
inline const float* panel_bias(const PackedMatrix& w, int64_t panel) {
  return w.bias == nullptr ? nullptr : w.bias + panel * kPanelRows;
}

inline __mmask16 row_mask(int64_t n_rows) {
  return n_rows >= kPanelRows ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << n_rows) - 1);
}

}  // namespace docmind::kernels::avx512
