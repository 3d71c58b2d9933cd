// How the panels of each quantized type become multiply operands: 64-byte code groups, scales, mins.
//
// A format names its panel and gives, for block b of 32 columns: the 8 code groups (unsigned bytes,
// `value + kOffset`), the scales of 16 rows (one or two a block) and, where it has them, the mins.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include "kernels/panel_layout.h"

namespace docmind::kernels::avx512 {

inline __m512 load_halves(const Half* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline __m512 load_bytes(const uint8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
inline __m512 load_bytes(const int8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
inline __m512i load_group(const CodeGroup& group) {
  return _mm512_loadu_si512(&group);
}

// What the product needs to know of a format at compile time.
template <int Offset, bool HalfScales, bool Min>
struct Traits {
  // Codes are value + kOffset; the products take it back by -kOffset * sum of the activations.
  static constexpr int kOffset = Offset;
  static constexpr bool kHalfScales = HalfScales;  // a scale per 16 columns instead of 32
  static constexpr bool kMin = Min;
};
using Symmetric8 = Traits<128, false, false>;
using Symmetric4 = Traits<8, false, false>;
using WithMin = Traits<0, false, true>;
using HalfBlocks = Traits<32, true, false>;

inline void unpack_nibbles(const CodeGroup (&codes)[4], __m512i (&w)[8]) {
  const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
  for (int g = 0; g < 4; ++g) {
    const __m512i pair = load_group(codes[g]);
    w[g] = _mm512_and_si512(pair, low);
    w[g + 4] = _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);
  }
}

struct FormatQ8_0 : Symmetric8 {
  using Panel = PanelQ8_0;
  using Trait = Symmetric8;
  static void codes(const Panel& panel, int, __m512i (&w)[8]) {
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) w[g] = load_group(panel.codes[g]);
  }
  struct Scales {
    __m512 d;
    explicit Scales(const Panel& panel) : d(load_halves(panel.d)) {}
    __m512 scale(const Panel&, int, int) const { return d; }
    __m512 min(const Panel&, int) const { return d; }
  };
};

struct FormatQ4_0 : Symmetric4 {
  using Panel = PanelQ4_0;
  using Trait = Symmetric4;
  static void codes(const Panel& panel, int, __m512i (&w)[8]) { unpack_nibbles(panel.codes, w); }
  struct Scales {
    __m512 d;
    explicit Scales(const Panel& panel) : d(load_halves(panel.d)) {}
    __m512 scale(const Panel&, int, int) const { return d; }
    __m512 min(const Panel&, int) const { return d; }
  };
};

template <typename PanelType>
struct ScalesWithMin {
  __m512 d, dmin;
  explicit ScalesWithMin(const PanelType& panel) : d(load_halves(panel.d)), dmin(load_halves(panel.dmin)) {}
  __m512 scale(const PanelType& panel, int b, int) const { return _mm512_mul_ps(d, load_bytes(panel.scales[b])); }
  __m512 min(const PanelType& panel, int b) const { return _mm512_mul_ps(dmin, load_bytes(panel.mins[b])); }
};

struct FormatQ4_K : WithMin {
  using Panel = PanelQ4_K;
  using Trait = WithMin;
  using Scales = ScalesWithMin<Panel>;
  static void codes(const Panel& panel, int b, __m512i (&w)[8]) { unpack_nibbles(panel.blocks[b].codes, w); }
};

struct FormatQ5_K : WithMin {
  using Panel = PanelQ5_K;
  using Trait = WithMin;
  using Scales = ScalesWithMin<Panel>;
  static void codes(const Panel& panel, int b, __m512i (&w)[8]) {
    unpack_nibbles(panel.blocks[b].codes, w);
    const __m512i high = load_group(panel.blocks[b].high);
    const __m512i fifth = _mm512_set1_epi8(16);
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      // Bits that cross from the neighbouring byte are masked away.
      const __m512i bit = g < 4 ? _mm512_slli_epi16(high, static_cast<unsigned>(4 - g))
                                : _mm512_srli_epi16(high, static_cast<unsigned>(g - 4));
      w[g] = _mm512_ternarylogic_epi32(w[g], bit, fifth, 0xf8);  // w | (bit & fifth)
    }
  }
};

struct FormatQ6_K : HalfBlocks {
  using Panel = PanelQ6_K;
  using Trait = HalfBlocks;
  static void codes(const Panel& panel, int b, __m512i (&w)[8]) {
    unpack_nibbles(panel.blocks[b].codes, w);
    const __m512i top = _mm512_set1_epi8(48);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m512i high = load_group(panel.blocks[b].high[half]);
#pragma GCC unroll 4
      for (int g = 0; g < 4; ++g) {
        const __m512i bits = g < 2 ? _mm512_slli_epi16(high, static_cast<unsigned>(4 - 2 * g))
                                   : _mm512_srli_epi16(high, static_cast<unsigned>(2 * g - 4));
        w[4 * half + g] = _mm512_ternarylogic_epi32(w[4 * half + g], bits, top, 0xf8);
      }
    }
  }
  struct Scales {
    __m512 d;
    explicit Scales(const Panel& panel) : d(load_halves(panel.d)) {}
    __m512 scale(const Panel& panel, int b, int half) const {
      return _mm512_mul_ps(d, load_bytes(panel.scales[2 * b + half]));
    }
    __m512 min(const Panel&, int) const { return d; }
  };
};

}  // namespace docmind::kernels::avx512
