// Q4_K and Q5_K: the sub-blocks of two blocks at a time, x = d * scale * code - dmin * min with whole scales and mins.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/simd/quantize_affine.h"

namespace docmind::kernels::simd {

template <class U, bool kWeighted, int kMost>
class KFit {
 public:
  using V = typename U::V;
  using Tile = QuantizeTile<U, 32>;

  explicit KFit(const Tile& tile) : tile_(tile), weight_(weight_sums<U, kWeighted>(tile)) {}

  // False when d or dmin does not fit a Half.
  bool run() {
    fit_lines();
    const V top = tops_of_groups(fit_.line.scale, kGroup), min_top = tops_of_groups(fit_.line.min * sign_, kGroup);
    if (max_of(max(top, min_top)) > kLargestScale * kMostWhole) return false;
    for (const auto& [steps, min_steps] : kSteps) {
      const V d = stored_scales(top * V::all(1.0f / steps));
      const V dmin = stored_scales(min_top * sign_ * V::all(1.0f / min_steps));
      Choice found = search(d, dmin, fit_.line);
      for (int i = 0; i < kRefits; ++i) found.take_better_block(refitted(found));
      best_.take_better_block(found);
    }
    return true;
  }

  // Of each sub-block; d and dmin are equal in those of a block.
  void store(float* d, float* dmin, float* scale_codes, float* min_codes) const {
    best_.d.store(d);
    best_.dmin.store(dmin);
    best_.scale.store(scale_codes);
    best_.min.store(min_codes);
  }

 private:
  static constexpr int kGroup = 8;            // sub-blocks of a block
  static constexpr float kMostWhole = 63.0f;  // of whole scales and mins
  static constexpr int kRefits = 2;
  // The largest scale and min become these; other numbers of steps round the others differently.
  static constexpr struct {
    float scale, min;
  } kSteps[] = {{63.0f, 63.0f}, {62.0f, 61.0f}, {60.5f, 62.0f}};

  // Whole scales and mins of the sub-blocks, and what belongs to them.
  struct Choice {
    V error = V::all(kUnknownError), d = V::zero(), dmin = V::zero(), scale = V::zero(), min = V::zero();
    AffineSums<V> sums;

    [[nodiscard]] Line<V> line() const { return {d * scale, dmin * min}; }
    // Those lanes of the other where a < b.
    void take_where_less(V a, V b, const Choice& other) {
      const auto take = [&](V& mine, V others) { mine = U::pick_less(a, b, others, mine); };
      take(error, other.error);
      take(d, other.d);
      take(dmin, other.dmin);
      take(scale, other.scale);
      take(min, other.min);
      take(sums.rr, other.sums.rr);
      take(sums.r, other.sums.r);
      take(sums.qr, other.sums.qr);
      take(sums.q, other.sums.q);
      take(sums.qq, other.sums.qq);
    }
    void take_better_block(const Choice& other) {
      take_where_less(sums_of_groups(other.error, kGroup), sums_of_groups(error, kGroup), other);
    }
  };

  // Each sub-block's own best line, started from spans that are wider or narrower than its range.
  void fit_lines() {
    V low = V::load(tile_.x[0]), high = low;
    for (int i = 1; i < 32; ++i) {
      low = min(low, V::load(tile_.x[i]));
      high = max(high, V::load(tile_.x[i]));
    }
    // Mins are positive, but negative in a block that has no value of 0 or below.
    const V is_negative = tops_of_groups(V::zero() - low, kGroup);
    sign_ = U::pick_less(is_negative, V::zero(), V::all(-1.0f), V::all(1.0f));
    low = U::pick_less(low * sign_, V::zero(), low, V::zero());
    const int n_spans = kWeighted ? 28 : 20;
    for (int i = 0; i < n_spans; ++i) {
      const V step = (high - low) * V::all(1.0f / (kMost + kSpans[i].below + kSpans[i].above));
      const V start = V::zero() - fma(step, V::all(kSpans[i].below), low);
      try_line<U, kWeighted>(tile_, {step, of_sign(start)}, most_, weight_, sign_, fit_);
    }
    try_line<U, kWeighted>(tile_, fit_.line, most_, weight_, sign_, fit_);
  }
  V of_sign(V x) const { return U::pick_less(x * sign_, V::zero(), V::zero(), x); }

  // The best whole scales next to the line's, each with the whole mins that suit it, by the errors that they
  // truly leave.
  Choice search(V d, V dmin, Line<V> line) const {
    const V inverse = inverse_scale<U>(d), inverse_min = inverse_scale<U>(dmin);
    const V whole = V::all(kMostWhole);
    Choice found;
    for (const float offset : {-1.0f, 0.0f, 1.0f}) {
      Choice next;
      next.d = d;
      next.dmin = dmin;
      next.scale = clamped_round(fma(line.scale, inverse, V::all(offset)), V::all(1.0f), whole);
      const V scale = next.scale * d;
      // The middle of the range stays where it is; values that are all alike keep code 0.
      V shifted = fma(scale - line.scale, V::all(0.5f * kMost), line.min);
      shifted = U::pick_less(V::zero(), line.scale, shifted, line.min);
      next.min = clamped_round(shifted * inverse_min, V::zero(), whole);
      evaluate(next, found);
      const V level = scale * (next.sums.r / weight_);
      next.min = clamped_round(fnma(level, inverse_min, next.min), V::zero(), whole);
      evaluate(next, found);
    }
    return found;
  }
  void evaluate(Choice& next, Choice& found) const {
    const Line<V> line = next.line();
    next.sums = affine_sums<U, kWeighted>(tile_, line, most_);
    next.error = line.scale * line.scale * next.sums.rr;
    found.take_where_less(next.error, found.error, next);
  }

  // Least squares for d and dmin with all codes as they are, then codes for these. The error scale * r changes by
  // -alpha * scale * q + beta * min when d grows by the part alpha and dmin by the part beta.
  Choice refitted(const Choice& choice) const {
    const auto [scale, min] = choice.line();
    const auto& sums = choice.sums;
    const V aa = sums_of_groups(scale * scale * sums.qq, kGroup), bb = sums_of_groups(min * min * weight_, kGroup);
    const V ab = sums_of_groups(scale * min * sums.q, kGroup);
    const V a = sums_of_groups(scale * scale * sums.qr, kGroup), b = sums_of_groups(scale * min * sums.r, kGroup);
    const V determinant = aa * bb - ab * ab, divisor = max(determinant, V::all(kTiny));
    const V is_flat = V::all(kFlat) * aa * bb;  // no mins, or nothing but mins
    const V alpha = U::pick_less(is_flat, determinant, (a * bb - b * ab) / divisor, a / max(aa, V::all(kTiny)));
    const V beta = U::pick_less(is_flat, determinant, (a * ab - b * aa) / divisor, V::zero());
    const V d = stored_scales(fma(choice.d, alpha, choice.d));
    const V dmin = of_sign(stored_scales(fma(choice.dmin, beta, choice.dmin)));
    return search(d, dmin, {d * choice.scale, dmin * choice.min});
  }

  // A span reaches this many steps beyond the range, which is then not used in full, or less far, which cuts off
  // values. Chosen one after another so that the best of them leave the least error over Gaussian and heavy-tailed
  // sub-blocks, with importance and without.
  static constexpr struct {
    float below, above;
  } kSpans[] = {{0.2f, 0.2f}, {0.6f, -0.2f}, {-0.2f, 0.4f}, {-1.0f, 0.0f}, {0.4f, 0.0f}, {-1.0f, -1.0f},
                {0.0f, 0.2f}, {-1.2f, 0.2f}, {0.2f, 1.0f}, {-0.8f, -0.2f}, {1.7f, 0.2f}, {0.2f, 1.7f},
                {0.0f, -0.2f}, {-1.2f, -0.8f}, {0.8f, 0.8f}, {-0.8f, -1.2f}, {1.3f, 0.4f}, {0.0f, 2.2f},
                {0.2f, 0.6f}, {-0.2f, 0.0f}, {3.0f, 0.2f}, {-0.8f, 0.2f}, {1.0f, 0.6f}, {-0.2f, 0.6f},
                {0.2f, 3.0f}, {0.4f, -0.2f}, {0.4f, 0.2f}, {2.2f, 0.0f}};

  const Tile& tile_;
  const V most_ = V::all(static_cast<float>(kMost));
  V weight_;
  V sign_ = V::all(1.0f);
  AffineFit<V> fit_;
  Choice best_;
};

template <class U, int kMost, class Block>
void write_k(const float* x, float d, float dmin, const float* scale_codes, const float* min_codes, Block& block) {
  using V = typename U::V;
  uint8_t codes[256], scales[8], mins[8];
  for (int b = 0; b < 8; ++b) {
    scales[b] = static_cast<uint8_t>(scale_codes[b]);
    mins[b] = static_cast<uint8_t>(min_codes[b]);
    const V inverse = inverse_scale<U>(V::all(d * scale_codes[b]));
    const V shift = V::all(dmin * min_codes[b]) * inverse;
    for (int i = 32 * b; i < 32 * b + 32; i += 16) {
      const V t = fma(V::load(x + i), inverse, shift);
      U::store_codes(clamped_round(t, V::zero(), V::all(static_cast<float>(kMost))), codes + i);
    }
  }
  block.d = float_to_half(d);
  block.dmin = float_to_half(dmin);
  pack_scales(scales, mins, block.scales);
  pack_codes(codes, block);
}

template <class U, class Block, int kMost, bool kWeighted>
bool quantize_k(const QuantizeJob& job, std::byte* scratch) {
  auto& tile = *reinterpret_cast<QuantizeTile<U, 32>*>(scratch);
  const int64_t n_parts = job.n_rows * (job.cols / 32);
  for (int64_t first = 0; first < n_parts; first += 16) {
    const int64_t n = std::min<int64_t>(16, n_parts - first);
    if (!tile.load(job, first, n, kLargestScale * 63 * kMost)) return false;
    if constexpr (kWeighted) tile.load_importance(job, first, n, 8);
    KFit<U, kWeighted, kMost> fit(tile);
    if (!fit.run()) return false;
    alignas(64) float d[16], dmin[16], scale_codes[16], min_codes[16];
    fit.store(d, dmin, scale_codes, min_codes);
    for (int64_t i = 0; i < n; i += 8) {
      Block block;
      write_k<U, kMost>(job.x + (first + i) * 32, d[i], dmin[i], scale_codes + i, min_codes + i, block);
      std::memcpy(job.out + static_cast<size_t>(first + i) / 8 * sizeof block, &block, sizeof block);
    }
  }
  return true;
}

}  // namespace docmind::kernels::simd
