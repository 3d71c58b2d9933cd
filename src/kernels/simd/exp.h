// Exponential functions of vectors. V is avx2::Floats or avx512::Floats.
//
// Polynomials by Remez exchange for the least relative error, with the terms that make exp(0) and
// exp2(0) exactly 1 held fixed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::kernels::simd {

// Relative error at most 2e-7 where the result is a normal number; 0 below exp(-104), infinity above
// exp(89); NaN stays NaN.
template <class V>
V exp(V x) {
  x = min(V::all(100.0f), max(V::all(-110.0f), x));  // NaN passes: it is the second operand
  const V n = round(x * V::all(1.44269504088896f));
  V r = fnma(n, V::all(0.693359375f), x);  // ln 2 in two parts: the first times n is exact
  r = fnma(n, V::all(-2.12194440e-4f), r);
  V p = V::all(0.00138144670593f);
  p = fma(p, r, V::all(0.00836878041118f));
  p = fma(p, r, V::all(0.0416683942109f));
  p = fma(p, r, V::all(0.166665201078f));
  p = fma(p, r, V::all(0.499999934125f));
  p = fma(fma(p, r, V::all(1.0f)), r, V::all(1.0f));
  return scale_by_power(p, n);
}

// x clamped to what 2^x can be here, its nearest whole number n added to 1.5 * 2^23 (which moves n to
// the lowest bits), and r = x - n.
template <class V>
V split_exponent(V x, V& r) {
  const V shift = V::all(12582912.0f);  // 1.5 * 2^23
  x = max(V::all(-127.0f), x);
  const V bits = x + shift;
  r = x - (bits - shift);
  return bits;
}

// 2^x for x up to 127, exactly 0 for x up to -127, -infinity included; relative error at most 1e-7 in
// between (results below the normal numbers are not correct, only tiny).
template <class V>
V exp2(V x) {
  V r;
  const V bits = split_exponent(x, r);
  V p = V::all(0.000155946770151f);
  p = fma(p, r, V::all(0.00134066438475f));
  p = fma(p, r, V::all(0.00961769297614f));
  p = fma(p, r, V::all(0.0555031055121f));
  p = fma(p, r, V::all(0.240226527829f));
  p = fma(p, r, V::all(0.693147214968f));
  return add_exponent(fma(p, r, V::all(1.0f)), bits);
}

// The same with relative error at most 1.5e-4: for weights that are then rounded to bfloat16 (4e-3).
template <class V>
V exp2_rough(V x) {
  V r;
  const V bits = split_exponent(x, r);
  V p = fma(V::all(0.0551756409125f), r, V::all(0.242628573758f));
  p = fma(p, r, V::all(0.693310852065f));
  return add_exponent(fma(p, r, V::all(1.0f)), bits);
}

}  // namespace docmind::kernels::simd
