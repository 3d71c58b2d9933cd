// Many activation rows (prefill, encoders): two panels are unpacked once into a buffer that stays in
// the second-level cache, and every tile of activations is multiplied with it.
//
// The register tile is 32 matrix rows by 6 activation rows: 12 int32 and 12 float accumulators, 2
// code groups and 1 broadcast of 32 registers; 12 independent chains hide the latency of the dot
// product instruction, and each broadcast serves two of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/avx512/product.h"

namespace docmind::kernels::avx512 {

inline constexpr int kTilePanels = 2;

// Two panels, unpacked: per block of 32 columns 8 x 2 code groups, and 2 x 16 scales (and mins).
struct Unpacked {
  std::byte* codes;  // [n_blocks][8][kTilePanels][64]
  float* scales;     // [n_blocks * (1 or 2)][kTilePanels][16]
  float* mins;       // [n_blocks][kTilePanels][16]

  Unpacked(std::byte* scratch, int64_t cols)
    : codes(scratch), scales(reinterpret_cast<float*>(scratch + cols * kTilePanels * kPanelRows)),
      mins(scales + cols / 16 * kTilePanels * kPanelRows) {}
};

template <typename F>
inline void unpack_panel(const std::byte* data, int64_t cols, int place, const Unpacked& out) {
  constexpr int kBlocks = F::Panel::kCols / 32;
  constexpr int kHalves = F::kHalfScales ? 2 : 1;
  const auto* panels = reinterpret_cast<const typename F::Panel*>(data);
  for (int64_t p = 0; p < cols / F::Panel::kCols; ++p) {
    const typename F::Scales scales(panels[p]);
    for (int b = 0; b < kBlocks; ++b) {
      const int64_t block = p * kBlocks + b;
      __m512i w[8];
      F::codes(panels[p], b, w);
#pragma GCC unroll 8
      for (int g = 0; g < 8; ++g) {
        _mm512_store_si512(out.codes + ((block * 8 + g) * kTilePanels + place) * 64, w[g]);
      }
      for (int half = 0; half < kHalves; ++half) {
        _mm512_store_ps(out.scales + ((block * kHalves + half) * kTilePanels + place) * kPanelRows,
                        scales.scale(panels[p], b, half));
      }
      if constexpr (F::kMin) {
        _mm512_store_ps(out.mins + (block * kTilePanels + place) * kPanelRows, scales.min(panels[p], b));
      }
    }
  }
}

// R panels from place `place` on against the T rows of a tile; `bias` is the first one's part or null.
template <typename Trait, int R, int T>
inline void multiply_tile(const Unpacked& w, int place, int64_t cols, const TileView& x, float* y,
                          int64_t y_stride, const float* bias, const __mmask16 (&rows)[kTilePanels]) {
  constexpr int kHalves = Trait::kHalfScales ? 2 : 1;
  constexpr int kGroups = 8 / kHalves;
  __m512 total[R][T];
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    const __m512 first = first_sum(bias == nullptr ? nullptr : bias + r * kPanelRows, rows[r]);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) total[r][t] = first;
  }
  const std::byte* codes = w.codes + place * 64;
  const int8_t* four = x.codes;
  const int64_t n_parts = cols / 32 * kHalves;
  for (int64_t part = 0; part < n_parts; ++part) {
    const int64_t block = part / kHalves;
    __m512i dot[R][T];
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      const __m512i first = start<Trait>(Trait::kHalfScales ? x.offsets16[part * T + t] : x.offsets[block * T + t]);
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) dot[r][t] = first;
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
      __m512i group[R];
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) group[r] = _mm512_load_si512(codes + r * 64);
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) {
        const __m512i a = broadcast4(four + t * 4);
#pragma GCC unroll 2
        for (int r = 0; r < R; ++r) dot[r][t] = _mm512_dpbusd_epi32(dot[r][t], group[r], a);
      }
      codes += kTilePanels * 64;
      four += T * 4;
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      const __m512 scale = _mm512_load_ps(w.scales + (part * kTilePanels + place + r) * kPanelRows);
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) {
        total[r][t] = accumulate(total[r][t], dot[r][t], scale, x.scales[block * T + t]);
      }
      if constexpr (Trait::kMin) {
        const __m512 min = _mm512_load_ps(w.mins + (part * kTilePanels + place + r) * kPanelRows);
#pragma GCC unroll 6
        for (int t = 0; t < T; ++t) {
          total[r][t] = _mm512_fnmadd_ps(min, _mm512_set1_ps(x.sums[block * T + t]), total[r][t]);
        }
      }
    }
  }
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) {
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      _mm512_mask_storeu_ps(y + t * y_stride + r * kPanelRows, rows[r], total[r][t]);
    }
  }
}

}  // namespace docmind::kernels::avx512
