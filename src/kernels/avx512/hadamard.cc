// The Walsh-Hadamard transform: simd/hadamard.h compiled for AVX-512.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/hadamard.h"

#include "kernels/simd/avx512.h"
#include "kernels/simd/hadamard.h"

namespace docmind::kernels::avx512 {
namespace {

struct Exchange {
  using V = Floats;
  static V swap_twos(V a) { return {_mm512_permute_ps(a.v, 0x4e)}; }
  static V swap_fours(V a) { return {_mm512_shuffle_f32x4(a.v, a.v, 0xb1)}; }
  static V swap_eights(V a) { return {_mm512_shuffle_f32x4(a.v, a.v, 0x4e)}; }
};

}  // namespace

void hadamard(float* x, int64_t n, int64_t block) { simd::hadamard<Exchange>(x, n, block); }

}  // namespace docmind::kernels::avx512
