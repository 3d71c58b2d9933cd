// Sealing keys: a lane is a channel. No operation crosses lanes or fuses roundings, so every instruction
// set, the scalar twin included, chooses the same codes. U is avx2::SealUnits or avx512::SealUnits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/seal_rows.h"

namespace docmind::kernels::simd {

// key = min + scale * code, of 16 channels.
template <class U>
struct KeyLines {
  using V = typename U::V;
  V scale;
  V min;
  V inverse;

  KeyLines(V a_scale, V a_min)
    : scale(round_to_half(a_scale)), min(round_to_half(a_min)),
      inverse(U::where_positive(scale, V::all(1.0f) / scale, V::zero())) {}
  V position(const float* x) const { return (V::load(x) - min) * inverse; }
};

// Reads channels [channel, channel + 16) of tokens [first, first + n) into x [n, 16]; the lines of a first fit.
template <class U>
KeyLines<U> load_keys(const KvSealJob& job, int64_t head, int64_t channel, int64_t first, int64_t n, int bits,
                      float* x) {
  using V = typename U::V;
  V low = V::all(kLargestHalf), high = V::all(-kLargestHalf);
  for (int64_t t = 0; t < n; ++t) {
    const V key = U::finite(V::load(exact_row<U>(job, job.k_offset, head, first + t) + channel));
    key.store(x + t * V::kLanes);
    low = min(key, low);
    high = max(key, high);
  }
  const V range = high - low, span = range * V::all(key_span(bits));
  return {span / V::all(most_code(bits)), low + (range - span) * V::all(0.5f)};
}

// ref::refitted.
template <class U>
KeyLines<U> refitted(const float* x, int64_t n, const KeyLines<U>& lines, int bits) {
  using V = typename U::V;
  const V most = V::all(most_code(bits)), count = V::all(static_cast<float>(n));
  V sum_c = V::zero(), sum_cc = V::zero(), sum_r = V::zero(), sum_rc = V::zero();
  for (int64_t t = 0; t < n; ++t) {
    const V at = lines.position(x + t * V::kLanes), code = round(clamp_to_codes(at, most)), rest = at - code;
    sum_c = sum_c + code;
    sum_cc = fma(code, code, sum_cc);  // of whole numbers, exact
    sum_r = sum_r + rest;
    sum_rc = sum_rc + rest * code;
  }
  const V spread = count * sum_cc - sum_c * sum_c;
  const V slope = (count * sum_rc - sum_c * sum_r) / spread;
  const V offset = (sum_r - slope * sum_c) / count;
  return {U::where_positive(spread, lines.scale + lines.scale * slope, lines.scale),
          U::where_positive(spread, lines.min + lines.scale * offset, lines.min)};
}

// Codes of 16 tokens, x [16, 16], to their units of the four times four channels: `codes` is that of the
// first four.
template <class U>
void store_key_codes(const float* x, const KeyLines<U>& lines, int bits, std::byte* codes) {
  using V = typename U::V;
  const V most = V::all(most_code(bits));
  typename U::Codes units[4];
  for (int64_t t = 0; t < 16; t += 4) {
    V at[4];
    for (int64_t i = 0; i < 4; ++i) at[i] = clamp_to_codes(lines.position(x + (t + i) * V::kLanes), most);
    units[t / 4] = U::codes_of(at);
  }
  U::exchange(units);
  const int64_t four_channels = kKvPageTokens / 16 * kv_unit_bytes(bits);
  for (int64_t i = 0; i < 4; ++i) U::store(units[i], bits, codes + i * four_channels);
}

template <class U>
void seal_keys(const KvSealJob& job, int64_t head) {
  using V = typename U::V;
  const KvHeadParts<std::byte> to = kv_head_parts(job.shape, job.page, job.layer, head);
  const int64_t d = job.shape.head_dim, group = job.shape.key_group;
  const int bits = to.key_bits;
  alignas(64) float x[kKvPageTokens * V::kLanes];
  for (int64_t c = 0; c < d; c += V::kLanes) {
    for (int64_t first = 0; first < kKvPageTokens; first += group) {
      KeyLines<U> lines = load_keys<U>(job, head, c, first, group, bits, x);
      for (int i = 0; i < refits(bits); ++i) lines = refitted<U>(x, group, lines, bits);
      Half* params = reinterpret_cast<Half*>(to.key_params) + first / group * 2 * d + c;
      lines.scale.store(params);
      lines.min.store(params + d);
      for (int64_t t = 0; t < group; t += 16) {
        std::byte* codes = to.key_codes + kv_key_index(first + t, c) / 64 * kv_unit_bytes(bits);
        store_key_codes<U>(x + t * V::kLanes, lines, bits, codes);
      }
    }
  }
}

}  // namespace docmind::kernels::simd
