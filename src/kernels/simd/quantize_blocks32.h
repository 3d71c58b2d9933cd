// Q8_0 and Q4_0: 16 blocks at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/simd/quantize_symmetric.h"

namespace docmind::kernels::simd {

// How a type's scales are searched: the extreme value of a block becomes code `reach` for each of these, then the
// scale is fitted to the codes. U is there for the instruction set's name.
template <class U, class Block, bool kWeighted>
struct Search32;

template <class U, bool kWeighted>
struct Search32<U, BlockQ8_0, kWeighted> {
  static constexpr float kLow = -127, kHigh = 127;
  static constexpr float kReaches[] = {127.0f, 125.0f, 126.0f, 123.0f, 124.0f, 121.0f, 122.0f};
  static constexpr int kRefits = 0;
};
template <class U>
struct Search32<U, BlockQ4_0, false> {
  static constexpr float kLow = -8, kHigh = 7;
  static constexpr float kReaches[] = {-8.2f, -8.7f, -7.8f, 7.1f, -8.4f};
  static constexpr int kRefits = 0;
};
template <class U>
struct Search32<U, BlockQ4_0, true> {
  static constexpr float kLow = -8, kHigh = 7;
  static constexpr float kReaches[] = {-8.3f, -9.5f, 7.2f, -10.8f, -7.9f, 6.2f, -8.8f, 8.9f,
                                       6.8f, -10.1f, 10.0f, 8.2f, -7.6f, 5.2f, -9.1f, 10.8f};
  static constexpr int kRefits = 2;
};

template <class U>
void write_block(const float* x, float d, BlockQ8_0& block) {
  using V = typename U::V;
  block.d = float_to_half(d);
  const V inverse = inverse_scale<U>(V::all(d));
  for (int i = 0; i < 32; i += 16) {
    U::store_codes(clamped_round(V::load(x + i) * inverse, V::all(-127.0f), V::all(127.0f)),
                   reinterpret_cast<uint8_t*>(block.qs + i));
  }
}

template <class U>
void write_block(const float* x, float d, BlockQ4_0& block) {
  using V = typename U::V;
  block.d = float_to_half(d);
  const V inverse = inverse_scale<U>(V::all(d));
  uint8_t codes[32];
  for (int i = 0; i < 32; i += 16) {
    const V q = clamped_round(V::load(x + i) * inverse, V::all(-8.0f), V::all(7.0f));
    U::store_codes(q + V::all(8.0f), codes + i);
  }
  pack_codes(codes, block);
}

template <class U, class Block, bool kWeighted>
bool quantize_blocks32(const QuantizeJob& job, std::byte* scratch) {
  using V = typename U::V;
  using Search = Search32<U, Block, kWeighted>;
  auto& tile = *reinterpret_cast<QuantizeTile<U, 32>*>(scratch);
  const V low = V::all(Search::kLow), high = V::all(Search::kHigh);
  const int64_t n_blocks = job.n_rows * (job.cols / 32);
  for (int64_t first = 0; first < n_blocks; first += 16) {
    const int64_t n = std::min<int64_t>(16, n_blocks - first);
    if (!tile.load(job, first, n, kLargestScale * -Search::kLow)) return false;
    if constexpr (kWeighted) tile.load_importance(job, first, n, 1);
    SymmetricFit<V> best;
    const V extreme = extremes<U>(tile);
    for (const float reach : Search::kReaches) {
      try_scale<U, kWeighted>(tile, extreme * V::all(1.0f / reach), low, high, best);
    }
    for (int i = 0; i < Search::kRefits; ++i) try_scale<U, kWeighted>(tile, best.scale, low, high, best);
    alignas(64) float scales[16];
    best.scale.store(scales);
    for (int64_t i = 0; i < n; ++i) {
      Block block;
      write_block<U>(job.x + (first + i) * 32, stored_scale(scales[i]), block);
      std::memcpy(job.out + static_cast<size_t>(first + i) * sizeof block, &block, sizeof block);
    }
  }
  return true;
}

}  // namespace docmind::kernels::simd
