// Probes: the most that this CPU can multiply and read, to hold the kernels' speed against.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/probe.h"

#include <cstring>

#include "kernels/probe_chains.h"

namespace docmind::kernels {
namespace {

// Without vectors: one product at a time, in as many chains.
int64_t multiply_scalar(int64_t n_rounds, int32_t* sink) {
  int32_t sums[kProbeChains] = {};
  int32_t a = 3;
  for (int64_t round = 0; round < n_rounds; ++round) {
    for (int32_t& sum : sums) {
      asm volatile("" : "+r"(a));  // another factor, for all that the compiler knows
      sum += a * 5;
    }
  }
  for (const int32_t sum : sums) *sink += sum;
  return n_rounds * kProbeChains;
}

}  // namespace

int64_t multiply_probe(Isa isa, int64_t n_rounds, int32_t* sink) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2: return avx2::multiply_probe(n_rounds, sink);
    case Isa::kAvx512Vnni:
    case Isa::kAvx512Bf16: return avx512::multiply_probe(n_rounds, sink);
#endif
    default: return multiply_scalar(n_rounds, sink);
  }
}

uint64_t read_probe(const std::byte* data, size_t n_bytes) {
  constexpr size_t kWords = 16;  // two cache lines a step
  uint64_t sums[kWords] = {};
  uint64_t words[kWords];
  size_t at = 0;
  for (; at + sizeof(words) <= n_bytes; at += sizeof(words)) {
    std::memcpy(words, data + at, sizeof(words));
    for (size_t i = 0; i < kWords; ++i) sums[i] += words[i];
  }
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum += part;
  for (; at < n_bytes; ++at) sum += static_cast<uint64_t>(data[at]);
  return sum;
}

}  // namespace docmind::kernels
