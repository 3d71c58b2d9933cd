// The multiply probe with AVX2: bytes to 16-bit pairs, to 32-bit sums.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/probe_chains.h"

namespace docmind::kernels::avx2 {

int64_t multiply_probe(int64_t n_rounds, int32_t* sink) {
  constexpr int64_t kMacs = 32;  // one instruction's
  __m256i sums[kProbeChains];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(5);
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t round = 0; round < n_rounds; ++round) {
    for (__m256i& sum : sums) {
      asm volatile("" : "+x"(a));  // another factor, for all that the compiler knows
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  for (const __m256i& sum : sums) *sink += _mm256_extract_epi32(sum, 0);
  return n_rounds * kProbeChains * kMacs;
}

}  // namespace docmind::kernels::avx2
