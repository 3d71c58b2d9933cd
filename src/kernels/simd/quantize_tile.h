// QuantizeTile: 16 sub-blocks of a tensor side by side, one in each lane, so that a fit needs no sums across lanes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/quantize.h"
#include "kernels/simd/quantize_lanes.h"

namespace docmind::kernels::simd {

// Vectors have 16 lanes on every instruction set, and every step of a fit rounds alike: all tables write equal bytes.
// Sub-blocks count on through the rows, since rows lie one after another.
template <class U, int kElements>
struct QuantizeTile {
  using V = typename U::V;
  static constexpr int kLen = kElements;
  static constexpr int kLanes = 16;
  static_assert(V::kLanes == kLanes);

  alignas(64) float x[kLen][kLanes];
  alignas(64) float w[kLen][kLanes];  // with importance only

  // Sub-blocks [first, first + n) of the job; zeros in the other lanes. False when a value is not finite or larger
  // than `most`.
  bool load(const QuantizeJob& job, int64_t first, int64_t n, float most);
  // The importance of the same sub-blocks, relative to the largest one of each `group` lanes.
  void load_importance(const QuantizeJob& job, int64_t first, int64_t n, int group);

 private:
  // No column counts less than this part of the most important one: what is 0 everywhere is quantized all the same.
  static constexpr float kLeastImportance = 1e-7f;

  // row_of(lane) is that lane's values, or null.
  template <class RowOf>
  static void transpose(RowOf row_of, float (&to)[kLen][kLanes]) {
    for (int part = 0; part < kLen; part += kLanes) {
      V rows[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) {
        const float* row = row_of(lane);
        rows[lane] = row == nullptr ? V::zero() : V::load(row + part);
      }
      V::transpose(rows);
      for (int i = 0; i < kLanes; ++i) rows[i].store(to[part + i]);
    }
  }
};

template <class U, int kElements>
bool QuantizeTile<U, kElements>::load(const QuantizeJob& job, int64_t first, int64_t n, float most) {
  transpose([&](int lane) { return lane < n ? job.x + (first + lane) * kLen : nullptr; }, x);
  V top = V::zero(), zero = V::zero();  // NaN when a value is not finite
  for (int i = 0; i < kLen; ++i) {
    const V value = V::load(x[i]);
    top = max(top, U::magnitude(value));
    zero = fma(value, V::zero(), zero);
  }
  return sum_of_lanes(zero) == 0 && max_of(top) <= most;
}

template <class U, int kElements>
void QuantizeTile<U, kElements>::load_importance(const QuantizeJob& job, int64_t first, int64_t n, int group) {
  const int64_t per_row = job.cols / kLen;
  transpose([&](int lane) { return lane < n ? job.importance + (first + lane) % per_row * kLen : nullptr; }, w);
  V top = V::zero();
  for (int i = 0; i < kLen; ++i) top = max(top, V::load(w[i]));
  top = tops_of_groups(top, group);
  const V divisor = U::pick_less(V::zero(), top, top, V::all(1.0f));
  for (int i = 0; i < kLen; ++i) max(V::load(w[i]) / divisor, V::all(kLeastImportance)).store(w[i]);
}

constexpr float kUnknownError = 3e38f;  // any is smaller
constexpr float kTiny = 1e-37f;         // instead of 0, to divide by

// 1 / a, and 0 for an `a` so small that a Half would be 0.
template <class U, class V = typename U::V>
V inverse_scale(V a) {
  const V least = V::all(1e-15f);
  const V is_small = U::magnitude(a);
  return U::pick_less(is_small, least, V::zero(), V::all(1.0f) / U::pick_less(is_small, least, V::all(1.0f), a));
}

template <class V>
V clamped_round(V t, V low, V high) {
  return round(min(max(t, low), high));
}

}  // namespace docmind::kernels::simd
