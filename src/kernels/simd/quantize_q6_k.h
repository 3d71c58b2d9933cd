// Q6_K: the 16 sub-blocks of a block at a time, x = d * scale * code with whole scales.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/simd/quantize_symmetric.h"

namespace docmind::kernels::simd {

template <class U, bool kWeighted>
class Q6KFit {
 public:
  using V = typename U::V;
  using Tile = QuantizeTile<U, 16>;

  explicit Q6KFit(const Tile& tile) : tile_(tile) {}

  // False when d does not fit a Half.
  bool run() {
    fit_scales();
    const V top = tops_of_groups(U::magnitude(fit_.scale), 16);
    if (max_of(top) > kLargestScale * kLargestCode) return false;
    const V d = stored_scales(top * V::all(1.0f / kLargestCode));
    best_ = search(d, fit_.scale * inverse_scale<U>(d), kCodesAround);
    for (int i = 0; i < kRefits; ++i) {
      const Choice next = search(refitted_scale(best_), best_.code, 1);
      best_.take_where_less(sums_of_groups(next.error, 16), sums_of_groups(best_.error, 16), next);
    }
    return true;
  }

  // The block's scale and those of the sub-blocks.
  void store(float* d, float* scale_codes) const {
    best_.d.store(d);
    best_.code.store(scale_codes);
  }

 private:
  static constexpr float kLargestCode = 127.0f;
  static constexpr int kCodesAround = 3, kRefits = 2;
  // The extreme value of a sub-block becomes this code.
  static constexpr float kReaches[] = {-32.1f, 31.0f, 30.1f, -31.8f, -32.5f, -33.0f};

  struct Choice {
    V error = V::all(kUnknownError), d = V::zero(), code = V::zero();
    SymmetricSums<V> sums;

    // Those lanes of the other where a < b.
    void take_where_less(V a, V b, const Choice& other) {
      const auto take = [&](V& mine, V others) { mine = U::pick_less(a, b, others, mine); };
      take(error, other.error);
      take(d, other.d);
      take(code, other.code);
      take(sums.rr, other.sums.rr);
      take(sums.qr, other.sums.qr);
      take(sums.qq, other.sums.qq);
    }
  };

  // Each sub-block's own best scale.
  void fit_scales() {
    const V extreme = extremes<U>(tile_);
    for (const float reach : kReaches) {
      try_scale<U, kWeighted>(tile_, extreme * V::all(1.0f / reach), low_, high_, fit_);
    }
  }

  // The best whole scales within `n_around` of `code`, by the errors that they truly leave.
  Choice search(V d, V code, int n_around) const {
    Choice found;
    for (int offset = -n_around; offset <= n_around; ++offset) {
      Choice next;
      next.d = d;
      next.code = clamped_round(code + V::all(static_cast<float>(offset)), V::all(-128.0f), V::all(127.0f));
      // A scale of 0 would count its errors as nothing.
      next.code = U::pick_less(U::magnitude(next.code), V::all(0.5f), V::all(1.0f), next.code);
      const V scale = d * next.code;
      next.sums = symmetric_sums<U, kWeighted>(tile_, scale, low_, high_);
      next.error = scale * scale * next.sums.rr;
      found.take_where_less(next.error, found.error, next);
    }
    return found;
  }

  // Least squares for d with all codes as they are.
  static V refitted_scale(const Choice& choice) {
    const V square = choice.code * choice.code;
    const V qq = sums_of_groups(square * choice.sums.qq, 16), qr = sums_of_groups(square * choice.sums.qr, 16);
    return stored_scales(fma(choice.d, qr / max(qq, V::all(kTiny)), choice.d));
  }

  const Tile& tile_;
  const V low_ = V::all(-32.0f), high_ = V::all(31.0f);
  SymmetricFit<V> fit_;
  Choice best_;
};

template <class U>
void write_q6_k(const float* x, float d, const float (&scale_codes)[16], BlockQ6_K& block) {
  using V = typename U::V;
  uint8_t codes[256];
  for (int s = 0; s < 16; ++s) {
    block.scales[s] = static_cast<int8_t>(scale_codes[s]);
    const V inverse = inverse_scale<U>(V::all(d * scale_codes[s]));
    const V q = clamped_round(V::load(x + 16 * s) * inverse, V::all(-32.0f), V::all(31.0f));
    U::store_codes(q + V::all(32.0f), codes + 16 * s);
  }
  block.d = float_to_half(d);
  pack_codes(codes, block);
}

template <class U, bool kWeighted>
bool quantize_q6_k(const QuantizeJob& job, std::byte* scratch) {
  auto& tile = *reinterpret_cast<QuantizeTile<U, 16>*>(scratch);
  const int64_t n_blocks = job.n_rows * (job.cols / 256);
  for (int64_t b = 0; b < n_blocks; ++b) {
    if (!tile.load(job, 16 * b, 16, kLargestScale * 32 * 128)) return false;
    if constexpr (kWeighted) tile.load_importance(job, 16 * b, 16, 16);
    Q6KFit<U, kWeighted> fit(tile);
    if (!fit.run()) return false;
    alignas(64) float d[16], scale_codes[16];
    fit.store(d, scale_codes);
    BlockQ6_K block;
    write_q6_k<U>(job.x + 256 * b, d[0], scale_codes, block);
    std::memcpy(job.out + static_cast<size_t>(b) * sizeof block, &block, sizeof block);
  }
  return true;
}

}  // namespace docmind::kernels::simd
