// Scans over the vectors of an index with AVX2: bits are counted by a table of half bytes (Mula, Kurz
// and Lemire, "Faster population counts using AVX2 instructions", 2018), products made in 16 bits.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/scan.h"

#include <immintrin.h>

namespace docmind::kernels::avx2 {
namespace {

constexpr int64_t kWordsOfByteSums = 31;  // of at most 8 bits each: a byte holds their sum

__m256i bits_of_bytes(__m256i x) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i of_low = _mm256_shuffle_epi8(counts, _mm256_and_si256(x, low));
  const __m256i of_high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));
  return _mm256_add_epi8(of_low, of_high);
}

__m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

// Which of the four counts are at most those of `most`.
unsigned at_most(__m256i n_bits, __m256i most) {
  return 15u & ~static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(n_bits, most))));
}

}  // namespace

int64_t near_sketches(const uint64_t* query, int64_t n_words, const uint64_t* sketches, int64_t n_rows,
                      uint32_t most, NearSketch* out) {
  int64_t n_near = 0;
  const __m256i zero = _mm256_setzero_si256(), limit = _mm256_set1_epi64x(most);
  for (int64_t first = 0; first < n_rows; first += kSketchPanel, sketches += n_words * kSketchPanel) {
    __m256i bits0 = zero, bits1 = zero;  // of rows 0 to 3, 4 to 7
    for (int64_t begin = 0; begin < n_words; begin += kWordsOfByteSums) {
      const int64_t end = begin + kWordsOfByteSums < n_words ? begin + kWordsOfByteSums : n_words;
      __m256i bytes0 = zero, bytes1 = zero;
      for (int64_t w = begin; w < end; ++w) {
        const __m256i word = _mm256_set1_epi64x(static_cast<int64_t>(query[w]));
        const uint64_t* rows = sketches + w * kSketchPanel;
        bytes0 = _mm256_add_epi8(bytes0, bits_of_bytes(_mm256_xor_si256(load(rows), word)));
        bytes1 = _mm256_add_epi8(bytes1, bits_of_bytes(_mm256_xor_si256(load(rows + 4), word)));
      }
      bits0 = _mm256_add_epi64(bits0, _mm256_sad_epu8(bytes0, zero));
      bits1 = _mm256_add_epi64(bits1, _mm256_sad_epu8(bytes1, zero));
    }
    unsigned near = at_most(bits0, limit) | at_most(bits1, limit) << 4;
    if (n_rows - first < kSketchPanel) near &= (1u << (n_rows - first)) - 1;
    if (near == 0) continue;
    alignas(32) uint64_t n_bits[kSketchPanel];
    _mm256_store_si256(reinterpret_cast<__m256i*>(n_bits), bits0);
    _mm256_store_si256(reinterpret_cast<__m256i*>(n_bits + 4), bits1);
    for (; near != 0; near &= near - 1) {
      const int row = __builtin_ctz(near);
      out[n_near++] = {static_cast<uint32_t>(first + row), static_cast<uint32_t>(n_bits[row])};
    }
  }
  return n_near;
}

int32_t dot_i8(const int8_t* x, const int8_t* y, int64_t n) {
  constexpr int64_t kLanes = 16;
  __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  const auto add_product = [&](__m256i& sum, int64_t i) {
    const auto wide = [](const int8_t* p) {
      return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    };
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(wide(x + i), wide(y + i)));
  };
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    add_product(sums[0], i);
    add_product(sums[1], i + kLanes);
  }
  if (i + kLanes <= n) {
    add_product(sums[0], i);
    i += kLanes;
  }
  const __m256i both = _mm256_add_epi32(sums[0], sums[1]);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  int32_t total = _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
  for (; i < n; ++i) total += x[i] * y[i];
  return total;
}

}  // namespace docmind::kernels::avx2
