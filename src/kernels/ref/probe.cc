// Probes in plain C++.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/probe.h"

#include <cstring>

namespace docmind::kernels::ref {

uint64_t read_probe(const std::byte* data, size_t n_bytes) {
  uint64_t sums[4] = {};
  for (size_t at = 0; at + sizeof sums <= n_bytes; at += sizeof sums) {
    uint64_t words[4];
    std::memcpy(words, data + at, sizeof words);
    for (int i = 0; i < 4; ++i) sums[i] ^= words[i];
  }
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
}

int64_t int8_probe(int64_t n_rounds, int32_t* sink) {
  constexpr int kLanes = 16;
  int8_t a[kLanes], b[kLanes];
  int32_t sums[kLanes] = {};
  for (int i = 0; i < kLanes; ++i) a[i] = b[i] = static_cast<int8_t>(i);
  for (int64_t round = 0; round < n_rounds; ++round) {
    for (int i = 0; i < kLanes; ++i) sums[i] += a[i] * b[i];
    asm volatile("" : : "r"(sums), "r"(a), "r"(b) : "memory");
  }
  for (const int32_t sum : sums) *sink += sum;
  return n_rounds * kLanes;
}

}  // namespace docmind::kernels::ref
