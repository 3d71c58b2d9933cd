// Few activation rows (decode): codes go from memory through registers into the products once.
// Prefetching by instruction was tried at distances of 1 to 8 KiB: the hardware's own is as fast.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/avx512/product.h"

namespace docmind::kernels::avx512 {

template <typename F, int T>
inline void direct_block(const typename F::Panel& panel, const typename F::Scales& scales, int b,
                         const TileView& x, int64_t block, __m512 (&total)[T]) {
  __m512i w[8];
  F::codes(panel, b, w);
  const int8_t* codes = x.codes + block * 32 * T;
#pragma GCC unroll 2
  for (int half = 0; half < (F::kHalfScales ? 2 : 1); ++half) {
    constexpr int kGroups = F::kHalfScales ? 4 : 8;
    const __m512 scale = scales.scale(panel, b, half);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      const int32_t offset = F::kHalfScales ? x.offsets16[(2 * block + half) * T + t] : x.offsets[block * T + t];
      __m512i dot = start<typename F::Trait>(offset);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        const int group = half * kGroups + g;
        dot = _mm512_dpbusd_epi32(dot, w[group], broadcast4(codes + (group * T + t) * 4));
      }
      total[t] = accumulate(total[t], dot, scale, x.scales[block * T + t]);
    }
  }
  if constexpr (F::kMin) {
    const __m512 min = scales.min(panel, b);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      total[t] = _mm512_fnmadd_ps(min, _mm512_set1_ps(x.sums[block * T + t]), total[t]);
    }
  }
}

// One panel against T rows; y points at the panel's first row of activation row 0.
template <typename F, int T>
inline void direct_panel(const std::byte* data, int64_t cols, const TileView& x, __m512 first, float* y,
                         int64_t y_stride, __mmask16 rows) {
  constexpr int kBlocks = F::Panel::kCols / 32;
  const auto* panels = reinterpret_cast<const typename F::Panel*>(data);
  __m512 total[T];
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) total[t] = first;
  for (int64_t p = 0; p < cols / F::Panel::kCols; ++p) {
    const auto& panel = panels[p];
    const typename F::Scales scales(panel);
    for (int b = 0; b < kBlocks; ++b) {
      direct_block<F, T>(panel, scales, b, x, p * kBlocks + b, total);
    }
  }
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) _mm512_mask_storeu_ps(y + t * y_stride, rows, total[t]);
}

}  // namespace docmind::kernels::avx512
