// Probes with AVX2: bytes to 16-bit pairs, to 32-bit sums.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/probe.h"

#include <immintrin.h>

namespace docmind::kernels::avx2 {

uint64_t read_probe(const std::byte* data, size_t n_bytes) {
  constexpr int kStreams = 4;  // independent, two cache lines a step
  __m256i sums[kStreams];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t at = 0; at + sizeof sums <= n_bytes; at += sizeof sums) {
    const auto* words = reinterpret_cast<const __m256i*>(data + at);
    for (int i = 0; i < kStreams; ++i) sums[i] = _mm256_xor_si256(sums[i], _mm256_loadu_si256(words + i));
  }
  const __m256i sum = _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
  return static_cast<uint64_t>(_mm256_extract_epi64(sum, 0) ^ _mm256_extract_epi64(sum, 1) ^
                               _mm256_extract_epi64(sum, 2) ^ _mm256_extract_epi64(sum, 3));
}

int64_t int8_probe(int64_t n_rounds, int32_t* sink) {
  constexpr int64_t kMacs = 32;  // of one product
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(5);
  const __m256i ones = _mm256_set1_epi16(1);
  // Independent sums hide the latency of each; by name, so that they stay in registers.
  __m256i s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{};
  const auto add_product = [&](__m256i& sum) {
    asm volatile("" : "+x"(a));  // another factor, for all that the compiler knows
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
  };
  for (int64_t round = 0; round < n_rounds; ++round) {
    add_product(s0), add_product(s1), add_product(s2), add_product(s3);
    add_product(s4), add_product(s5), add_product(s6), add_product(s7);
  }
  const __m256i sum = (s0 + s1) + (s2 + s3) + (s4 + s5) + (s6 + s7);
  *sink += _mm256_extract_epi32(sum, 0);
  return n_rounds * 8 * kMacs;
}

}  // namespace docmind::kernels::avx2
