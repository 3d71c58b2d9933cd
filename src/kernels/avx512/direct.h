// Few activation rows (decode): codes go from memory through registers into the products once.
// Prefetching by instruction was tried at distances of 1 to 8 KiB: the hardware's own is as fast.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/avx512/product.h"

namespace docmind::kernels::avx512 {

template <typename F, int T>
inline void direct_block(const typename F::Panel& panel, const typename F::Scales& scales, int b,
                         const __m512i (&w)[8], const TileView& x, int64_t block, __m512 (&total)[T]) {
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

template <int T>
inline void start_sums(__m512 first, __m512 (&total)[T]) {
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) total[t] = first;
}
template <int T>
inline void store_sums(const __m512 (&total)[T], float* y, int64_t y_stride, __mmask16 rows) {
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) _mm512_mask_storeu_ps(y + t * y_stride, rows, total[t]);
}

// One panel against a tile of T rows and, with U > 0, the next of U rows; y points at the panel's first
// row of the first activation row. Both tiles use the codes while they are in registers.
template <typename F, int T, int U>
inline void direct_panel(const std::byte* data, int64_t cols, const TileView& x, const TileView& next, __m512 first,
                         float* y, int64_t y_stride, __mmask16 rows) {
  constexpr int kBlocks = F::Panel::kCols / 32;
  const auto* panels = reinterpret_cast<const typename F::Panel*>(data);
  __m512 total[T], total_next[U > 0 ? U : 1];
  start_sums(first, total);
  if constexpr (U > 0) start_sums(first, total_next);
  for (int64_t p = 0; p < cols / F::Panel::kCols; ++p) {
    const auto& panel = panels[p];
    const typename F::Scales scales(panel);
    for (int b = 0; b < kBlocks; ++b) {
      __m512i w[8];
      F::codes(panel, b, w);
      direct_block<F, T>(panel, scales, b, w, x, p * kBlocks + b, total);
      if constexpr (U > 0) direct_block<F, U>(panel, scales, b, w, next, p * kBlocks + b, total_next);
    }
  }
  store_sums(total, y, y_stride, rows);
  if constexpr (U > 0) store_sums(total_next, y + T * y_stride, y_stride, rows);
}

}  // namespace docmind::kernels::avx512
