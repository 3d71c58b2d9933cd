// The Walsh-Hadamard transform: simd/hadamard.h compiled for AVX2.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/hadamard.h"

#include "kernels/simd/avx2.h"
#include "kernels/simd/hadamard.h"

namespace docmind::kernels::avx2 {
namespace {

struct Exchange {
  using V = Floats;
  static V swap_twos(V a) { return {_mm256_permute_ps(a.low, 0x4e), _mm256_permute_ps(a.high, 0x4e)}; }
  static V swap_fours(V a) {
    return {_mm256_permute2f128_ps(a.low, a.low, 1), _mm256_permute2f128_ps(a.high, a.high, 1)};
  }
  static V swap_eights(V a) { return {a.high, a.low}; }
};

}  // namespace

void hadamard(float* x, int64_t n, int64_t block) { simd::hadamard<Exchange>(x, n, block); }

}  // namespace docmind::kernels::avx2
