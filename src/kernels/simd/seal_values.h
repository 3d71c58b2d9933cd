// Sealing values: lanes are channels of a token, then, for the scales of 16 tokens, tokens.
// U is avx2::SealUnits or avx512::SealUnits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/seal_rows.h"

namespace docmind::kernels::simd {

// The values of 16 tokens (an exact block) in one group of channels.
template <class U>
struct ValueGroup {
  using V = typename U::V;
  static constexpr int64_t kTokens = kKvBlockTokens;
  static_assert(kTokens == V::kLanes);

  int64_t n;  // channels
  V steps;    // of the tokens
  alignas(64) float inverses[kTokens];
  alignas(64) float x[kTokens * kMaxValueGroup];  // [16, n]

  void set_steps(V a_steps) {
    steps = round_to_half(a_steps);
    U::where_positive(steps, V::all(1.0f) / steps, V::zero()).store(inverses);
  }
  const float* values(int64_t token, int64_t channel) const { return x + token * n + channel; }
};

// Reads tokens [token, token + 16) of a group that begins at channel `first` of all heads' channels.
template <class U>
void load_values(const KvSealJob& job, int64_t first, int64_t token, int bits, ValueGroup<U>& group) {
  using V = typename U::V;
  const int64_t d = job.shape.head_dim;
  V peaks[V::kLanes];
  for (V& peak : peaks) peak = V::zero();
  for (int64_t i = 0; i < group.n; i += V::kLanes) {
    const Half* from = exact_row<U>(job, job.v_offset, (first + i) / d, token) + (first + i) % d;
    for (int64_t t = 0; t < ValueGroup<U>::kTokens; ++t) {
      const V value = U::finite(V::load(from + t * d));
      value.store(group.x + t * group.n + i);
      peaks[t] = max(U::magnitude(value), peaks[t]);
    }
  }
  group.set_steps(V::maxima(peaks) * V::all(value_span(bits) / (most_code(bits) * 0.5f)));
}

// The least squares steps for the codes that are nearest with the steps so far.
template <class U>
void refit(ValueGroup<U>& group, int bits) {
  using V = typename U::V;
  const V most = V::all(most_code(bits)), middle = V::all(most_code(bits) * 0.5f);
  V sums_xc[V::kLanes], sums_cc[V::kLanes];
  for (int64_t t = 0; t < ValueGroup<U>::kTokens; ++t) {
    const V inverse = V::all(group.inverses[t]);
    V sum_xc = V::zero(), sum_cc = V::zero();
    for (int64_t i = 0; i < group.n; i += V::kLanes) {
      const V value = V::load(group.values(t, i));
      const V code = round(clamp_to_codes(fma(value, inverse, middle), most)) - middle;
      sum_xc = fma(value, code, sum_xc);
      sum_cc = fma(code, code, sum_cc);
    }
    sums_xc[t] = sum_xc;
    sums_cc[t] = sum_cc;
  }
  group.set_steps(U::where_positive(group.steps, V::sums(sums_xc) / V::sums(sums_cc), group.steps));
}

// Codes of the group's channels [channel, channel + 16) to their four units, which begin at `codes`.
template <class U>
void store_value_codes(const ValueGroup<U>& group, int64_t channel, int bits, std::byte* codes) {
  using V = typename U::V;
  const V most = V::all(most_code(bits)), middle = V::all(most_code(bits) * 0.5f);
  for (int64_t t = 0; t < ValueGroup<U>::kTokens; t += 4) {
    V at[4];
    for (int64_t i = 0; i < 4; ++i) {
      const V value = V::load(group.values(t + i, channel));
      at[i] = clamp_to_codes(fma(value, V::all(group.inverses[t + i]), middle), most);
    }
    U::store(U::channels_first(U::codes_of(at)), bits, codes + t / 4 * kv_unit_bytes(bits));
  }
}

template <class U>
void seal_values(const KvSealJob& job, int64_t head_begin, int64_t head_end) {
  using V = typename U::V;
  const int64_t d = job.shape.head_dim;
  ValueGroup<U> group;
  group.n = job.shape.value_group;
  for (int64_t first = head_begin * d; first < head_end * d; first += group.n) {
    for (int64_t t = 0; t < kKvPageTokens; t += ValueGroup<U>::kTokens) {
      const KvHeadParts<std::byte> any = kv_head_parts(job.shape, job.page, job.layer, head_begin);
      const int bits = any.value_bits;
      load_values<U>(job, first, t, bits, group);
      for (int i = 0; i < refits(bits); ++i) refit<U>(group, bits);
      group.steps.store(reinterpret_cast<Half*>(any.value_scales) + first / group.n * kKvPageTokens + t);
      for (int64_t i = 0; i < group.n; i += V::kLanes) {
        const int64_t head = (first + i) / d, channel = (first + i) % d;
        const KvHeadParts<std::byte> to = kv_head_parts(job.shape, job.page, job.layer, head);
        const int64_t unit = kv_value_index(d, t, channel) / 64;
        store_value_codes<U>(group, i, bits, to.value_codes + unit * kv_unit_bytes(bits));
      }
    }
  }
}

}  // namespace docmind::kernels::simd
