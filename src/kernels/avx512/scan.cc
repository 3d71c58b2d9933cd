// Scans over the vectors of an index with AVX-512: a panel of sketches is one register for each word.
// Bits are counted by the instruction for it, or by a table of half bytes as with AVX2.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/scan.h"

#include <immintrin.h>

namespace docmind::kernels::avx512 {
namespace {

constexpr int64_t kWordsOfByteSums = 31;  // of at most 8 bits each: a byte holds their sum

__m512i bits_of_bytes(__m512i x) {
  const __m512i counts =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i of_low = _mm512_shuffle_epi8(counts, _mm512_and_si512(x, low));
  const __m512i of_high = _mm512_shuffle_epi8(counts, _mm512_and_si512(_mm512_srli_epi16(x, 4), low));
  return _mm512_add_epi8(of_low, of_high);
}

// Writes the rows of a panel with at most `most` bits; rows [0, n_left) of it are used.
int64_t write_near(__m512i bits, int64_t first, int64_t n_left, uint32_t most, NearSketch* out) {
  unsigned near = _mm512_cmple_epu64_mask(bits, _mm512_set1_epi64(most));
  if (n_left < kSketchPanel) near &= (1u << n_left) - 1;
  if (near == 0) return 0;
  alignas(64) uint64_t n_bits[kSketchPanel];
  _mm512_store_si512(n_bits, bits);
  int64_t n_near = 0;
  for (; near != 0; near &= near - 1) {
    const int row = __builtin_ctz(near);
    out[n_near++] = {static_cast<uint32_t>(first + row), static_cast<uint32_t>(n_bits[row])};
  }
  return n_near;
}

}  // namespace

int64_t near_sketches(const uint64_t* query, int64_t n_words, const uint64_t* sketches, int64_t n_rows,
                      uint32_t most, NearSketch* out) {
  int64_t n_near = 0;
  const __m512i zero = _mm512_setzero_si512();
  for (int64_t first = 0; first < n_rows; first += kSketchPanel, sketches += n_words * kSketchPanel) {
    __m512i bits = zero;
    for (int64_t begin = 0; begin < n_words; begin += kWordsOfByteSums) {
      const int64_t end = begin + kWordsOfByteSums < n_words ? begin + kWordsOfByteSums : n_words;
      __m512i bytes = zero;
      for (int64_t w = begin; w < end; ++w) {
        const __m512i word = _mm512_set1_epi64(static_cast<int64_t>(query[w]));
        const __m512i rows = _mm512_loadu_si512(sketches + w * kSketchPanel);
        bytes = _mm512_add_epi8(bytes, bits_of_bytes(_mm512_xor_si512(rows, word)));
      }
      bits = _mm512_add_epi64(bits, _mm512_sad_epu8(bytes, zero));
    }
    n_near += write_near(bits, first, n_rows - first, most, out + n_near);
  }
  return n_near;
}

__attribute__((target("avx512vpopcntdq")))
int64_t near_sketches_popcnt(const uint64_t* query, int64_t n_words, const uint64_t* sketches,
                             int64_t n_rows, uint32_t most, NearSketch* out) {
  int64_t n_near = 0;
  for (int64_t first = 0; first < n_rows; first += kSketchPanel, sketches += n_words * kSketchPanel) {
    __m512i bits = _mm512_setzero_si512();
    for (int64_t w = 0; w < n_words; ++w) {
      const __m512i word = _mm512_set1_epi64(static_cast<int64_t>(query[w]));
      const __m512i rows = _mm512_loadu_si512(sketches + w * kSketchPanel);
      bits = _mm512_add_epi64(bits, _mm512_popcnt_epi64(_mm512_xor_si512(rows, word)));
    }
    n_near += write_near(bits, first, n_rows - first, most, out + n_near);
  }
  return n_near;
}

// The instruction multiplies unsigned by signed bytes: x + 128 in place of x, less 128 times the sum
// of y. Its sums wrap around, so what is taken away leaves the exact difference.
int32_t dot_i8(const int8_t* x, const int8_t* y, int64_t n) {
  constexpr int64_t kLanes = 64;
  const __m512i offset = _mm512_set1_epi8(-128);  // as unsigned: 128
  __m512i products = _mm512_setzero_si512(), offsets = _mm512_setzero_si512();
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask64 used = n - i < kLanes ? (__mmask64{1} << (n - i)) - 1 : ~__mmask64{0};
    const __m512i a = _mm512_xor_si512(_mm512_maskz_loadu_epi8(used, x + i), offset);
    const __m512i b = _mm512_maskz_loadu_epi8(used, y + i);
    products = _mm512_dpbusd_epi32(products, a, b);
    offsets = _mm512_dpbusd_epi32(offsets, offset, b);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(products, offsets));
}

}  // namespace docmind::kernels::avx512
