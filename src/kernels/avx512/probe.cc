// The multiply probe with AVX-512 VNNI.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/probe_chains.h"

namespace docmind::kernels::avx512 {

int64_t multiply_probe(int64_t n_rounds, int32_t* sink) {
  constexpr int64_t kMacs = 64;  // one instruction's
  __m512i sums[kProbeChains];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(5);
  for (int64_t round = 0; round < n_rounds; ++round) {
    for (__m512i& sum : sums) {
      asm volatile("" : "+v"(a));  // another factor, for all that the compiler knows
      sum = _mm512_dpbusd_epi32(sum, a, b);
    }
  }
  for (const __m512i& sum : sums) *sink += _mm512_reduce_add_epi32(sum);
  return n_rounds * kProbeChains * kMacs;
}

}  // namespace docmind::kernels::avx512
