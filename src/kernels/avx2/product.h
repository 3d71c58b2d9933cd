// The inner products of one block of 32 columns: int8 dot products, then scales in float.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include "kernels/avx2/formats.h"

namespace docmind::kernels::avx2 {

// The loops live on being one function: an argument left in memory halves their speed.
#define DOCMIND_INLINE inline __attribute__((always_inline))

// T neighbouring rows of a tile of activations that is `width` rows wide, from lane `lane` on.
struct TileView {
  const int8_t* codes;
  const float* scales;
  const float* sums;
  const int32_t* offsets;
  const int32_t* offsets16;
  int64_t width;
};

inline TileView tile_view(const Activations& x, int64_t tile, int64_t lane) {
  const int64_t blocks = tile * (x.cols / kActivationBlock) + lane;
  return {x.codes + tile * x.cols + lane * 4, x.scales + blocks, x.sums + blocks, x.offsets + blocks,
          x.offsets16 + tile * (x.cols / 16) + lane, x.tile_width(tile)};
}

inline __m256i broadcast4(const int8_t* four) {
  int value;
  __builtin_memcpy(&value, four, sizeof value);
  return _mm256_set1_epi32(value);
}

// The sum is needed here: without this the compiler makes all products of a block first, in memory.
inline void settle(__m256i& sum) {
  asm volatile("" : "+x"(sum));
}

// dots[h][t] = dot products of `Groups` code groups (group(i), i < Groups) with T rows.
template <typename Trait, int Groups, int T, typename Group>
DOCMIND_INLINE void dot_groups(const Group& group, const int8_t* four, int64_t stride, __m256i (&dots)[2][T]) {
  const __m256i ones = _mm256_set1_epi16(1);
  if constexpr (Trait::kDepth == 0) {
#pragma GCC unroll 8
    for (int g = 0; g < Groups; ++g, four += stride) {
      const Codes w = group(g);
      const __m256i magnitude[2] = {_mm256_abs_epi8(w.half[0]), _mm256_abs_epi8(w.half[1])};
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) {
        const __m256i a = broadcast4(four + 4 * t);
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
          const __m256i pairs = _mm256_maddubs_epi16(magnitude[h], _mm256_sign_epi8(a, w.half[h]));
          const __m256i sums = _mm256_madd_epi16(pairs, ones);
          dots[h][t] = g == 0 ? sums : _mm256_add_epi32(dots[h][t], sums);
          if constexpr (T > 1) settle(dots[h][t]);
        }
      }
    }
  } else {
    constexpr int kDepth = Trait::kDepth < Groups ? Trait::kDepth : Groups;
#pragma GCC unroll 4
    for (int first = 0; first < Groups; first += kDepth) {
      __m256i pairs[2][T];
#pragma GCC unroll 8
      for (int g = first; g < first + kDepth; ++g, four += stride) {
        const Codes w = group(g);
#pragma GCC unroll 6
        for (int t = 0; t < T; ++t) {
          const __m256i a = broadcast4(four + 4 * t);
#pragma GCC unroll 2
          for (int h = 0; h < 2; ++h) {
            const __m256i products = _mm256_maddubs_epi16(w.half[h], a);
            pairs[h][t] = g == first ? products : _mm256_add_epi16(pairs[h][t], products);
            if constexpr (T > 1) settle(pairs[h][t]);
          }
        }
      }
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) {
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
          const __m256i sums = _mm256_madd_epi16(pairs[h][t], ones);
          dots[h][t] = first == 0 ? sums : _mm256_add_epi32(dots[h][t], sums);
        }
      }
    }
  }
}

// The same for codes in two nibbles: w has per group 64 bytes of high and 64 of low nibbles.
template <int T>
DOCMIND_INLINE void dot_nibbles(const std::byte* w, const int8_t* codes, int64_t stride, __m256i (&dots)[2][T]) {
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h) {
    const auto* group = reinterpret_cast<const __m256i*>(w) + h;
    const int8_t* four = codes;
    // Hides that both halves read the same activations: keeping them would take 24 registers.
    asm volatile("" : "+r"(four));
    __m256i high[T], low[T];
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g, group += 4, four += stride) {
      const __m256i w_high = _mm256_loadu_si256(group);
      const __m256i w_low = _mm256_loadu_si256(group + 2);
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) {
        const __m256i a = broadcast4(four + 4 * t);
        const __m256i products[2] = {_mm256_maddubs_epi16(w_high, a), _mm256_maddubs_epi16(w_low, a)};
        high[t] = g == 0 ? products[0] : _mm256_add_epi16(high[t], products[0]);
        low[t] = g == 0 ? products[1] : _mm256_add_epi16(low[t], products[1]);
        settle(high[t]);
        settle(low[t]);
      }
    }
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      dots[h][t] = _mm256_add_epi32(_mm256_madd_epi16(high[t], _mm256_set1_epi16(16)),
                                    _mm256_madd_epi16(low[t], _mm256_set1_epi16(1)));
    }
  }
}

// The stored offsets are -128 * sum; a format's own offset is a power of two.
template <typename Trait>
inline __m256i without_offset(__m256i dot, int32_t offset) {
  if constexpr (Trait::kOffset == 0) {
    return dot;
  } else {
    constexpr int kShift = Trait::kOffset == 128 ? 0 : Trait::kOffset == 32 ? 2 : 4;
    return _mm256_add_epi32(dot, _mm256_set1_epi32(offset >> kShift));
  }
}

// total += the products of block `block`. `dot(first group, codes, stride, dots)` makes the integer
// products of a block or half block; the other callables give its scales and mins.
template <typename Trait, int T, typename Dot, typename Scale, typename Min>
DOCMIND_INLINE void multiply_block(const Dot& dot_of, const Scale& scale_of, const Min& min_of, const TileView& x,
                           int64_t block, __m256 (&total)[2][T]) {
  constexpr int kHalves = Trait::kHalfScales ? 2 : 1;
  constexpr int kGroups = 8 / kHalves;
  const int64_t stride = 4 * x.width;
#pragma GCC unroll 2
  for (int half = 0; half < kHalves; ++half) {
    __m256i dots[2][T];
    const int first = half * kGroups;
    dot_of(first, x.codes + (block * 8 + first) * stride, stride, dots);
    const Vec scale = scale_of(half);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      const int32_t offset = Trait::kHalfScales ? x.offsets16[(2 * block + half) * x.width + t]
                                                : x.offsets[block * x.width + t];
      const __m256 factor = _mm256_set1_ps(x.scales[block * x.width + t]);
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        const __m256 dot = _mm256_cvtepi32_ps(without_offset<Trait>(dots[h][t], offset));
        total[h][t] = _mm256_fmadd_ps(dot, _mm256_mul_ps(scale.half[h], factor), total[h][t]);
      }
    }
  }
  if constexpr (Trait::kMin) {
    const Vec min = min_of();
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      const __m256 sum = _mm256_set1_ps(x.sums[block * x.width + t]);
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) total[h][t] = _mm256_fnmadd_ps(min.half[h], sum, total[h][t]);
    }
  }
}

// What the sums of a panel's rows start from: its part of the bias, or zeros.
inline Vec first_sums(const PackedMatrix& w, int64_t panel) {
  float all[kPanelRows] = {};
  const int64_t row = panel * kPanelRows;
  const int64_t n = w.rows - row < kPanelRows ? w.rows - row : kPanelRows;
  if (w.bias != nullptr) __builtin_memcpy(all, w.bias + row, static_cast<size_t>(n) * sizeof(float));
  return {{_mm256_loadu_ps(all), _mm256_loadu_ps(all + 8)}};
}

// The first `n_rows` of 16 sums.
inline void store_rows(float* y, int64_t n_rows, __m256 low, __m256 high) {
  if (n_rows >= kPanelRows) {
    _mm256_storeu_ps(y, low);
    _mm256_storeu_ps(y + 8, high);
    return;
  }
  float all[kPanelRows];
  _mm256_storeu_ps(all, low);
  _mm256_storeu_ps(all + 8, high);
  __builtin_memcpy(y, all, static_cast<size_t>(n_rows) * sizeof(float));
}

}  // namespace docmind::kernels::avx2
