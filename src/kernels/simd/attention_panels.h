// Panels of attention of many rows: up to 512 keys and their values, packed as register tiles want them, from
// exact blocks or from sealed pages.
//
// A is as in attention_tiled.h. Keys are panels of kPanel keys, [units of channels][kPanel]; values are
// panels of kPanel channels, [units of keys][kPanel].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/attention_scratch.h"
#include "kernels/kv_page.h"
#include "kernels/simd/attention_rows.h"

namespace docmind::kernels::simd {

template <class A>
class Panels {
  using V = typename A::V;
  using Codes = typename A::Codes;
  using Unit = typename A::Unit;
  using Parts = KvHeadParts<const std::byte>;
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int64_t kPanel = kLanes * A::kVectors;
  static constexpr int64_t kPerUnit = A::kPerUnit;
  static constexpr int64_t kPages = kTileKeys / kKvPageTokens;
  static_assert(kPageTokens == kKvPageTokens && kPageTokens % kPanel == 0 && kTileKeys % kPageTokens == 0);

 public:
  Panels(const AttentionRows<V>& rows, Unit* keys, Unit* values, float* lines)
    : rows_(rows), head_dim_(rows.job.head_dim), key_units_(rows.job.head_dim / kPerUnit), keys_(keys),
      values_(values), lines_(lines) {}

  // Makes n keys from `first` on, a multiple of kTileKeys, what queries of page `own` see. After the first
  // call for these keys only those pages are packed again that they see in another form.
  void pack(int64_t first, int64_t n_keys, int64_t own) {
    if (first != first_) {
      for (Form& form : forms_) form = Form::kNone;
    }
    first_ = first;
    for (int64_t at = 0; at < n_keys; at += kKvPageTokens) {
      const int64_t page = (first + at) / kKvPageTokens;
      const Form form = rows_.reads_sealed(page, own) ? Form::kSealed : Form::kExact;
      if (forms_[at / kKvPageTokens] == form) continue;
      forms_[at / kKvPageTokens] = form;
      if (form == Form::kSealed) {
        pack_sealed(rows_.sealed(page), at);
      } else {
        const int64_t n = n_keys - at < kKvPageTokens ? n_keys - at : kKvPageTokens;
        pack_exact_keys(first, at, n);
        pack_exact_values(first, at, n);
      }
    }
  }

 private:
  enum class Form { kNone, kExact, kSealed };

  // Where key `key` of the tile starts, or key `key`'s unit of the vector of channels at c.
  Unit* key_panel(int64_t key) const { return keys_ + key / kPanel * kPanel * key_units_ + key % kPanel; }
  Unit* value_panel(int64_t c, int64_t key) const {
    return values_ + c / kPanel * kPanel * (kTileKeys / kPerUnit) + c % kPanel + key / kPerUnit * kPanel;
  }
  static float* floats(Unit* units) { return reinterpret_cast<float*>(units); }

  // Missing keys are whatever the rest of the last block holds: their scores are taken away later.
  // Missing values must be zeros, as weights of 0 would not remove a NaN.
  void pack_exact_keys(int64_t first, int64_t at, int64_t n_keys) {
    for (int64_t key = at; key < at + n_keys; key += kLanes) {
      Unit* panel = key_panel(key);
      for (int64_t unit = 0; unit < key_units_; unit += kLanes) {
        V block[kLanes];
        for (int64_t i = 0; i < kLanes; ++i) {
          const int64_t c = unit * kPerUnit;
          block[i] = A::key_units(rows_.key(first + key + i) + c, head_dim_ - c);
        }
        V::transpose(block);
        const int64_t n = key_units_ - unit < kLanes ? key_units_ - unit : kLanes;
        for (int64_t i = 0; i < n; ++i) block[i].store(floats(panel + (unit + i) * kPanel));
      }
    }
  }

  // Keys are zeros up to a whole panel, and so are missing channels.
  void pack_exact_values(int64_t first, int64_t at, int64_t n_keys) {
    const int64_t end = at + round_up_to(n_keys, kPanel);
    for (int64_t key = at; key < end; key += kPerUnit) {
      const Half* rows[kPerUnit];
      for (int64_t i = 0; i < kPerUnit; ++i) {
        rows[i] = key + i < at + n_keys ? rows_.value(first + key + i) : nullptr;
      }
      for (int64_t c = 0; c < round_up_to(head_dim_, kPanel); c += kLanes) {
        A::value_units(rows, c, head_dim_ - c).store(floats(value_panel(c, key)));
      }
    }
  }

  void pack_sealed(const Parts& from, int64_t at) {
    with_bits<V>(from.key_bits, [&]<int kBits>() { pack_sealed_keys<kBits>(from, at); });
    with_bits<V>(from.value_bits, [&]<int kBits>() { pack_sealed_values<kBits>(from, at); });
  }

  // Codes of keys lie as panels do: a unit is four channels of 16 keys.
  template <int kBits>
  void pack_sealed_keys(const Parts& from, int64_t at) {
    const KvPageShape& shape = rows_.job.kv.shape;
    const int64_t n_params = kKvPageTokens / shape.key_group * 2 * head_dim_;
    for (int64_t i = 0; i < n_params; i += kLanes) {
      V::load(reinterpret_cast<const Half*>(from.key_params) + i).store(lines_ + i);
    }
    const std::byte* unit = from.key_codes;
    for (int64_t c = 0; c < head_dim_; c += 4) {
      for (int64_t key = 0; key < kKvPageTokens; key += kLanes, unit += kv_unit_bytes(kBits)) {
        const float* scale = lines_ + key / shape.key_group * 2 * head_dim_ + c;
        const float* min = scale + head_dim_;
        V four[4];
        Codes::spread(Codes::template load<kBits>(unit), four);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) four[k] = fma(four[k], V::all(scale[k]), V::all(min[k]));
        A::store_four(four, floats(key_panel(at + key) + c / kPerUnit * kPanel), kPanel);
      }
    }
  }

  // And those of values: a unit is four keys of 16 channels. What a panel has more than there are channels is
  // left as it is, and so are its sums.
  template <int kBits>
  void pack_sealed_values(const Parts& from, int64_t at) {
    const int64_t value_group = rows_.job.kv.shape.value_group;
    const V middle = V::all(static_cast<float>((1 << kBits) - 1) / 2);
    const std::byte* unit = from.value_codes;
    alignas(64) float scales[kKvPageTokens];
    int64_t loaded = -1;
    for (int64_t c = 0; c < head_dim_; c += kLanes) {
      const int64_t group = (rows_.kv_head * head_dim_ + c) / value_group;
      if (group != loaded) load_scales(from, loaded = group, scales);
      for (int64_t key = 0; key < kKvPageTokens; key += 4, unit += kv_unit_bytes(kBits)) {
        V four[4];
        Codes::spread(Codes::template load<kBits>(unit), four);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) four[k] = (four[k] - middle) * V::all(scales[key + k]);
        A::store_four(four, floats(value_panel(c, at + key)), kPanel);
      }
    }
  }

  static void load_scales(const Parts& from, int64_t group, float* scales) {
    const Half* halves = reinterpret_cast<const Half*>(from.value_scales) + group * kKvPageTokens;
    for (int64_t t = 0; t < kKvPageTokens; t += kLanes) V::load(halves + t).store(scales + t);
  }

  const AttentionRows<V>& rows_;
  int64_t head_dim_;
  int64_t key_units_;  // of a key
  Unit* keys_;
  Unit* values_;
  float* lines_;  // scales and minima of a page's keys
  int64_t first_ = -1;
  Form forms_[kPages] = {};  // in which the pages of the tile are packed
};

}  // namespace docmind::kernels::simd
