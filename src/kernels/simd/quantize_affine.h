// Fits of sub-blocks with an offset, x = scale * code - min: those of Q4_K and Q5_K.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/quantize_tile.h"

namespace docmind::kernels::simd {

// With t = (x + min) / scale, q its code and r = t - q: what a line costs and how it should change.
template <class V>
struct AffineSums {
  V rr = V::zero();  // sum of w r^2
  V r = V::zero();   // sum of w r
  V qr = V::zero();  // sum of w q r
  V q = V::zero();   // sum of w q
  V qq = V::zero();  // sum of w q^2
};

// A determinant smaller than this part of its largest term is rounding.
constexpr float kFlat = 1e-6f;

template <class V>
struct Line {
  V scale = V::zero();
  V min = V::zero();
};

// Codes from 0 to `most`.
template <class U, bool kWeighted, class Tile, class V = typename U::V>
AffineSums<V> affine_sums(const Tile& tile, Line<V> line, V most) {
  const V inverse = inverse_scale<U>(line.scale);
  const V shift = line.min * inverse;
  AffineSums<V> s;
  for (int i = 0; i < Tile::kLen; ++i) {
    const V t = fma(V::load(tile.x[i]), inverse, shift);
    const V q = clamped_round(t, V::zero(), most);
    const V r = t - q;
    if constexpr (kWeighted) {
      const V w = V::load(tile.w[i]);
      const V wr = w * r, wq = w * q;
      s.rr = fma(wr, r, s.rr);
      s.r = s.r + wr;
      s.qr = fma(wr, q, s.qr);
      s.q = s.q + wq;
      s.qq = fma(wq, q, s.qq);
    } else {
      s.rr = fma(r, r, s.rr);
      s.r = s.r + r;
      s.qr = fma(r, q, s.qr);
      s.q = s.q + q;
      s.qq = fma(q, q, s.qq);
    }
  }
  return s;
}

// The sum of a lane's weights.
template <class U, bool kWeighted, class Tile, class V = typename U::V>
V weight_sums(const Tile& tile) {
  if constexpr (!kWeighted) return V::all(static_cast<float>(Tile::kLen));
  V sum = V::zero();
  for (int i = 0; i < Tile::kLen; ++i) sum = sum + V::load(tile.w[i]);
  return sum;
}

template <class V>
struct AffineFit {
  Line<V> line;
  V error = V::all(kUnknownError);
};

// Codes with a line, then least squares for the line with these codes; kept where it is better. `sign` is that
// of all mins: a min of the other sign becomes 0, and the scale alone is fitted.
template <class U, bool kWeighted, class Tile, class V = typename U::V>
void try_line(const Tile& tile, Line<V> line, V most, V w, V sign, AffineFit<V>& best) {
  const AffineSums<V> s = affine_sums<U, kWeighted>(tile, line, most);
  const V tiny = V::all(kTiny);
  const V determinant = s.qq * w - s.q * s.q;
  const V divisor = max(determinant, tiny);
  V slope = (s.qr * w - s.r * s.q) / divisor;  // of r over q
  V level = (s.r * s.qq - s.qr * s.q) / divisor;
  const V is_flat = V::all(kFlat) * s.qq * w;  // all codes alike: only the level can change
  slope = U::pick_less(is_flat, determinant, slope, V::zero());
  level = U::pick_less(is_flat, determinant, level, s.r / w);
  V min = fnma(line.scale, level, line.min);
  // Without a min, r - min / scale has to be explained by q alone.
  const V lost = line.min * inverse_scale<U>(line.scale);
  const V alone = fnma(lost, s.q, s.qr) / max(s.qq, tiny);
  const V is_wrong = min * sign;
  slope = U::pick_less(is_wrong, V::zero(), alone, slope);
  level = U::pick_less(is_wrong, V::zero(), lost, level);
  min = U::pick_less(is_wrong, V::zero(), V::zero(), min);
  // w (r - slope q - level)^2
  const V cross = fma(slope, s.qr, level * s.r);
  const V square = fma(slope * slope, s.qq, fma(level * level, w, V::all(2.0f) * slope * level * s.q));
  const V error = line.scale * line.scale * max(s.rr - V::all(2.0f) * cross + square, V::zero());
  best.line.scale = U::pick_less(error, best.error, fma(line.scale, slope, line.scale), best.line.scale);
  best.line.min = U::pick_less(error, best.error, min, best.line.min);
  best.error = U::pick_less(error, best.error, error, best.error);
}

}  // namespace docmind::kernels::simd
