// How the panels of each quantized type become multiply operands of two 32-byte halves (8 rows each).
//
// The multiply-add of unsigned and signed bytes gives 16-bit sums of two products. kDepth tells how
// many such sums of a format's codes fit into 16 bits before they must be widened; codes of eight
// bits do not fit at all and are multiplied as magnitudes with the sign moved to the activation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include "kernels/panel_layout.h"

namespace docmind::kernels::avx2 {

// 16 rows.
struct Vec {
  __m256 half[2];
};
struct Codes {
  __m256i half[2];
};

inline Vec load_halves(const Half* from) {
  const auto* p = reinterpret_cast<const __m128i*>(from);
  return {{_mm256_cvtph_ps(_mm_loadu_si128(p)), _mm256_cvtph_ps(_mm_loadu_si128(p + 1))}};
}
inline Vec load_bytes(const uint8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {{_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
           _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))}};
}
inline Vec load_bytes(const int8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {{_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
           _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))}};
}
inline Vec multiply(const Vec& a, const Vec& b) {
  return {{_mm256_mul_ps(a.half[0], b.half[0]), _mm256_mul_ps(a.half[1], b.half[1])}};
}
inline Codes load_group(const CodeGroup& group) {
  const auto* p = reinterpret_cast<const __m256i*>(&group);
  return {{_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)}};
}

template <int Offset, int Depth, bool HalfScales, bool Min>
struct Traits {
  static constexpr int kOffset = Offset;  // codes are value + kOffset
  static constexpr bool kSplit = false;   // unpacked codes are high and low nibbles
  static constexpr int kDepth = Depth;    // 0: signed eight-bit codes
  static constexpr bool kHalfScales = HalfScales;
  static constexpr bool kMin = Min;
};
// 2 * 15 * 127 * 8 = 30480, 2 * 31 * 127 * 4 = 31496, 2 * 63 * 127 * 2 = 32004: all below 32768.
using Signed8 = Traits<0, 0, false, false>;
struct SplitNibbles8 : Traits<128, 8, false, false> {
  static constexpr bool kSplit = true;
};
using Symmetric4 = Traits<8, 8, false, false>;
using WithMin4 = Traits<0, 8, false, true>;
using WithMin5 = Traits<0, 4, false, true>;
using HalfBlocks6 = Traits<32, 2, true, false>;

inline __m256i nibbles(__m256i pair, int g) {
  return _mm256_and_si256(g < 4 ? pair : _mm256_srli_epi16(pair, 4), _mm256_set1_epi8(15));
}

// Bits of `bits` shifted to `place` (left when positive), cut to `mask`, joined to the code.
inline __m256i join_bits(__m256i code, __m256i bits, int left, char mask) {
  const __m256i moved = left >= 0 ? _mm256_slli_epi16(bits, left) : _mm256_srli_epi16(bits, -left);
  return _mm256_or_si256(code, _mm256_and_si256(moved, _mm256_set1_epi8(mask)));
}

struct OneScale {
  Vec d;
  template <typename Panel>
  explicit OneScale(const Panel& panel) : d(load_halves(panel.d)) {}
  template <typename Panel>
  Vec scale(const Panel&, int, int) const { return d; }
  template <typename Panel>
  Vec min(const Panel&, int) const { return d; }
};

struct ScalesWithMin {
  Vec d, dmin;
  template <typename Panel>
  explicit ScalesWithMin(const Panel& panel) : d(load_halves(panel.d)), dmin(load_halves(panel.dmin)) {}
  template <typename Panel>
  Vec scale(const Panel& panel, int b, int) const { return multiply(d, load_bytes(panel.scales[b])); }
  template <typename Panel>
  Vec min(const Panel& panel, int b) const { return multiply(dmin, load_bytes(panel.mins[b])); }
};

struct FormatQ8_0 {
  using Panel = PanelQ8_0;
  using Trait = Signed8;
  using UnpackedTrait = SplitNibbles8;
  using Scales = OneScale;
  static Codes group(const Panel& panel, int, int g) {
    const Codes raw = load_group(panel.codes[g]);
    const __m256i sign = _mm256_set1_epi8(-128);
    return {{_mm256_xor_si256(raw.half[0], sign), _mm256_xor_si256(raw.half[1], sign)}};
  }
};

struct FormatQ4_0 {
  using Panel = PanelQ4_0;
  using Trait = Symmetric4;
  using UnpackedTrait = Trait;
  using Scales = OneScale;
  static Codes group(const Panel& panel, int, int g) {
    const Codes pair = load_group(panel.codes[g % 4]);
    return {{nibbles(pair.half[0], g), nibbles(pair.half[1], g)}};
  }
};

struct FormatQ4_K {
  using Panel = PanelQ4_K;
  using Trait = WithMin4;
  using UnpackedTrait = Trait;
  using Scales = ScalesWithMin;
  static Codes group(const Panel& panel, int b, int g) {
    const Codes pair = load_group(panel.blocks[b].codes[g % 4]);
    return {{nibbles(pair.half[0], g), nibbles(pair.half[1], g)}};
  }
};

struct FormatQ5_K {
  using Panel = PanelQ5_K;
  using Trait = WithMin5;
  using UnpackedTrait = Trait;
  using Scales = ScalesWithMin;
  static Codes group(const Panel& panel, int b, int g) {
    const Codes pair = load_group(panel.blocks[b].codes[g % 4]);
    const Codes high = load_group(panel.blocks[b].high);
    return {{join_bits(nibbles(pair.half[0], g), high.half[0], 4 - g, 16),
             join_bits(nibbles(pair.half[1], g), high.half[1], 4 - g, 16)}};
  }
};

struct FormatQ6_K {
  using Panel = PanelQ6_K;
  using Trait = HalfBlocks6;
  using UnpackedTrait = Trait;
  struct Scales {
    Vec d;
    explicit Scales(const Panel& panel) : d(load_halves(panel.d)) {}
    Vec scale(const Panel& panel, int b, int half) const {
      return multiply(d, load_bytes(panel.scales[2 * b + half]));
    }
    Vec min(const Panel&, int) const { return d; }
  };
  static Codes group(const Panel& panel, int b, int g) {
    const Codes pair = load_group(panel.blocks[b].codes[g % 4]);
    const Codes high = load_group(panel.blocks[b].high[g / 4]);
    return {{join_bits(nibbles(pair.half[0], g), high.half[0], 4 - 2 * (g % 4), 48),
             join_bits(nibbles(pair.half[1], g), high.half[1], 4 - 2 * (g % 4), 48)}};
  }
};

}  // namespace docmind::kernels::avx2
