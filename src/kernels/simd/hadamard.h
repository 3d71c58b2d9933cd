// The Walsh-Hadamard transform over vectors. E is avx2::Exchange or avx512::Exchange: V, and lanes that
// change places with those 1, 2, 4 and 8 further. Sums are those of the scalar twin, in its order.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/ref/kv_page.h"

namespace docmind::kernels::simd {

// 1 in the lanes i with i & step == 0, -1 in the others.
template <class V>
V signs_of(int step) {
  alignas(64) float signs[V::kLanes];
  for (int i = 0; i < V::kLanes; ++i) signs[i] = (i & step) == 0 ? 1.0f : -1.0f;
  return V::load(signs);
}

// The steps within a vector: a and b become a + b and a - b.
template <class E>
void transform_lanes(float* x, int64_t n, int64_t block) {
  using V = typename E::V;
  const V signs[4] = {signs_of<V>(1), signs_of<V>(2), signs_of<V>(4), signs_of<V>(8)};
  for (int64_t i = 0; i < n; i += V::kLanes) {
    V v = V::load(x + i);
    if (block > 1) v = fma(v, signs[0], swap_pairs(v));
    if (block > 2) v = fma(v, signs[1], E::swap_twos(v));
    if (block > 4) v = fma(v, signs[2], E::swap_fours(v));
    if (block > 8) v = fma(v, signs[3], E::swap_eights(v));
    v.store(x + i);
  }
}

// The step of block x between whole vectors that are `half` floats apart.
template <class V>
void transform_vectors(float* x, int64_t block, int64_t half) {
  for (int64_t i = 0; i < block; i += 2 * half) {
    for (int64_t j = i; j < i + half; j += V::kLanes) {
      const V a = V::load(x + j), b = V::load(x + j + half);
      (a + b).store(x + j);
      (a - b).store(x + j + half);
    }
  }
}

template <class E>
void hadamard(float* x, int64_t n, int64_t block) {
  using V = typename E::V;
  const int64_t whole = n / V::kLanes * V::kLanes;
  transform_lanes<E>(x, whole, block);
  for (int64_t start = 0; start < whole && block > V::kLanes; start += block) {
    for (int64_t half = V::kLanes; half < block; half *= 2) transform_vectors<V>(x + start, block, half);
  }
  const V norm = V::all(1.0f / __builtin_sqrtf(static_cast<float>(block)));
  for (int64_t i = 0; i < whole; i += V::kLanes) (V::load(x + i) * norm).store(x + i);
  // What is left has blocks that are smaller than a vector.
  ref::hadamard(x + whole, n - whole, block);
}

}  // namespace docmind::kernels::simd
