// Fits of blocks without an offset, x = scale * code: Q8_0, Q4_0 and the sub-blocks of Q6_K.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/quantize_tile.h"

namespace docmind::kernels::simd {

// With t = x / scale, q its code and r = t - q, what a scale costs and how it should change. Counting in steps
// keeps the small differences that a difference of sums over x would lose.
template <class V>
struct SymmetricSums {
  V rr = V::zero();  // sum of w r^2
  V qr = V::zero();  // sum of w q r
  V qq = V::zero();  // sum of w q^2
};

// Codes from `low` to `high`.
template <class U, bool kWeighted, class Tile, class V = typename U::V>
SymmetricSums<V> symmetric_sums(const Tile& tile, V scale, V low, V high) {
  const V inverse = inverse_scale<U>(scale);
  SymmetricSums<V> s;
  for (int i = 0; i < Tile::kLen; ++i) {
    const V t = V::load(tile.x[i]) * inverse;
    const V q = clamped_round(t, low, high);
    const V r = t - q;
    const V wq = kWeighted ? q * V::load(tile.w[i]) : q;
    const V wr = kWeighted ? r * V::load(tile.w[i]) : r;
    s.rr = fma(wr, r, s.rr);
    s.qr = fma(wq, r, s.qr);
    s.qq = fma(wq, q, s.qq);
  }
  return s;
}

// The value of each lane that is farthest from 0.
template <class U, class Tile, class V = typename U::V>
V extremes(const Tile& tile) {
  V low = V::load(tile.x[0]), high = low;
  for (int i = 1; i < Tile::kLen; ++i) {
    const V x = V::load(tile.x[i]);
    low = min(low, x);
    high = max(high, x);
  }
  return U::pick_less(high, V::zero() - low, low, high);
}

template <class V>
struct SymmetricFit {
  V scale = V::zero();
  V error = V::all(kUnknownError);
};

// Rounds to codes with `scale`, fits the scale to these codes by least squares, and keeps it where it is better.
template <class U, bool kWeighted, class Tile, class V = typename U::V>
void try_scale(const Tile& tile, V scale, V low, V high, SymmetricFit<V>& best) {
  const SymmetricSums<V> s = symmetric_sums<U, kWeighted>(tile, scale, low, high);
  const V change = s.qr / max(s.qq, V::all(kTiny));
  const V error = scale * scale * max(fnma(change, s.qr, s.rr), V::zero());
  best.scale = U::pick_less(error, best.error, fma(scale, change, scale), best.scale);
  best.error = U::pick_less(error, best.error, error, best.error);
}

}  // namespace docmind::kernels::simd
