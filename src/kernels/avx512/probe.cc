// Probes with AVX-512 VNNI.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/probe.h"

#include <immintrin.h>

namespace docmind::kernels::avx512 {

uint64_t read_probe(const std::byte* data, size_t n_bytes) {
  constexpr int kStreams = 4;  // independent, four cache lines a step
  __m512i sums[kStreams];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (size_t at = 0; at + sizeof sums <= n_bytes; at += sizeof sums) {
    for (int i = 0; i < kStreams; ++i) {
      sums[i] = _mm512_xor_si512(sums[i], _mm512_loadu_si512(data + at + 64 * i));
    }
  }
  const __m512i sum = _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
}

int64_t int8_probe(int64_t n_rounds, int32_t* sink) {
  constexpr int64_t kMacs = 64;  // of one product
  const __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(5);
  const __m512i zero = _mm512_setzero_si512();
  // Independent sums hide the latency of each; by name, so that they stay in registers. Not the
  // intrinsic, around which GCC 12 moves registers.
  __m512i s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero;
  __m512i s6 = zero, s7 = zero, s8 = zero, s9 = zero, s10 = zero, s11 = zero;
  for (int64_t round = 0; round < n_rounds; ++round) {
    asm volatile(
        "vpdpbusd %13, %12, %0\n\tvpdpbusd %13, %12, %1\n\tvpdpbusd %13, %12, %2\n\t"
        "vpdpbusd %13, %12, %3\n\tvpdpbusd %13, %12, %4\n\tvpdpbusd %13, %12, %5\n\t"
        "vpdpbusd %13, %12, %6\n\tvpdpbusd %13, %12, %7\n\tvpdpbusd %13, %12, %8\n\t"
        "vpdpbusd %13, %12, %9\n\tvpdpbusd %13, %12, %10\n\tvpdpbusd %13, %12, %11"
        : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7), "+v"(s8),
          "+v"(s9), "+v"(s10), "+v"(s11)
        : "v"(a), "v"(b));
  }
  const __m512i lower = (s0 + s1) + (s2 + s3) + (s4 + s5);
  *sink += _mm512_reduce_add_epi32(lower + (s6 + s7) + (s8 + s9) + (s10 + s11));
  return n_rounds * 12 * kMacs;
}

}  // namespace docmind::kernels::avx512
