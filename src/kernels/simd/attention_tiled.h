// Attention of many rows: keys and values are packed 512 at a time into panels, and all rows go over
// them with register tiles as in a matrix product, each keeping the online softmax of
// Dao et al., "FlashAttention" (2022): its largest score, the sum of its weights, its weighted values.
//
// A (AVX2 floats, AVX-512 floats, bfloat16 pairs) says how products are done:
//   V, Codes (how units of sealed pages are unpacked), Unit (what one lane multiplies), kPerUnit (channels,
//   or keys, that a Unit holds), kRows x kVectors (the register tile), and the members used here and in
//   attention_panels.h.
//
// A page that is held sealed and exact is read in the form that a query's own page demands. Rows of
// different query pages take turns at such keys, and the pages whose form changes are packed again in between.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/attention_scratch.h"
#include "kernels/simd/attention_panels.h"
#include "kernels/simd/attention_rows.h"
#include "kernels/simd/exp.h"

namespace docmind::kernels::simd {

template <class A>
class TiledAttention {
  using V = typename A::V;
  using Unit = typename A::Unit;
  using Tile = V[A::kRows][A::kVectors];
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int64_t kPanel = kLanes * A::kVectors;
  static constexpr int64_t kRows = A::kRows;
  static constexpr int64_t kPerUnit = A::kPerUnit;
  static_assert(sizeof(Unit) == sizeof(float) && kRows <= kMaxTileRows && kPanel <= kMaxPanel);
  static_assert(kTileKeys % kPanel == 0 && kTileKeys % kPerUnit == 0);

 public:
  TiledAttention(const AttentionRows<V>& rows, std::byte* scratch)
    : TiledAttention(rows, reinterpret_cast<float*>(scratch), tiled_scratch(rows.job.head_dim, rows.n_rows)) {}

  void run() {
    for (int64_t row = 0; row < rows_.n_rows; row += kRows) start_rows(row);
    for (int64_t row = 0; row < rows_.n_rows; ++row) clear(rows_.out(row));
    const int64_t n_visible = rows_.visible(rows_.n_rows - 1);
    for (int64_t key = 0; key < n_visible; key += kTileKeys) {
      attend_all(key, n_visible - key < kTileKeys ? n_visible - key : kTileKeys);
    }
    for (int64_t row = 0; row < rows_.n_rows; ++row) divide(row);
  }

 private:
  TiledAttention(const AttentionRows<V>& rows, float* scratch, const TiledScratch& at)
    : rows_(rows), head_dim_(rows.job.head_dim), key_units_(rows.job.head_dim / kPerUnit),
      keys_(reinterpret_cast<Unit*>(scratch + at.keys)), values_(reinterpret_cast<Unit*>(scratch + at.values)),
      queries_(reinterpret_cast<Unit*>(scratch + at.queries)), largest_(scratch + at.largest),
      sums_(scratch + at.sums), scores_(scratch + at.scores), spare_(scratch + at.spare),
      panels_(rows, keys_, values_, scratch + at.lines) {
    clear(spare_);
  }

  int64_t rows_of(int64_t row) const { return rows_.n_rows - row < kRows ? rows_.n_rows - row : kRows; }

  // Queries of one tile, [units][kRows]; rows that are missing are zeros.
  void start_rows(int64_t row) {
    const V scale = V::all(score_scale<V>(rows_.job));
    const int64_t n_rows = rows_of(row);
    V::all(kNoScore).store_first(largest_ + row, kRows);
    V::zero().store_first(sums_ + row, kRows);
    Unit* tile = queries_ + row * key_units_;
    for (int64_t unit = 0; unit < key_units_; unit += kLanes) {
      const int64_t c = unit * kPerUnit;
      V block[kLanes];
      for (int64_t r = 0; r < kLanes; ++r) {
        block[r] = r < n_rows ? A::query_units(rows_.query(row + r) + c, head_dim_ - c, scale) : V::zero();
      }
      V::transpose(block);
      const int64_t n = key_units_ - unit < kLanes ? key_units_ - unit : kLanes;
      // What a store writes too much is overwritten by the next.
      for (int64_t i = 0; i < n; ++i) block[i].store(reinterpret_cast<float*>(tile + (unit + i) * kRows));
    }
  }

  // All rows against n keys from `first` on.
  void attend_all(int64_t first, int64_t n_keys) {
    const bool in_turns = some_held_both_ways(first, n_keys);
    int64_t begin = 0;
    while (begin < rows_.n_rows) {
      const int64_t own = rows_.own_page(begin);
      int64_t end = begin;
      while (end < rows_.n_rows && (!in_turns || rows_.own_page(end) == own)) end += rows_.group;
      if (rows_.visible(end - 1) > first) {
        panels_.pack(first, n_keys, own);
        for (int64_t row = begin / kRows * kRows; row < end; row += kRows) attend_some(row, begin, end, first);
      }
      begin = end;
    }
  }

  bool some_held_both_ways(int64_t first, int64_t n_keys) const {
    for (int64_t key = first; key < first + n_keys; key += kKvPageTokens) {
      if (rows_.is_sealed(key / kKvPageTokens) && rows_.is_exact(key / kKvPageTokens)) return true;
    }
    return false;
  }

  // Those rows of one tile that are in [begin, end).
  void attend_some(int64_t row, int64_t begin, int64_t end, int64_t first) {
    if (row >= begin && (row + kRows <= end || end == rows_.n_rows)) return attend(row, row, row + rows_of(row), first);
    const int64_t skipped_end = row < begin ? begin - row : 0, taken_end = end - row < kRows ? end - row : kRows;
    const V largest = V::load_first(largest_ + row, kRows), sums = V::load_first(sums_ + row, kRows);
    alignas(64) float before[2][kLanes];
    largest.store(before[0]);
    sums.store(before[1]);
    attend(row, row + skipped_end, row + taken_end, first);
    for (int64_t r = 0; r < kRows; ++r) {
      if (r >= skipped_end && r < taken_end) continue;
      largest_[row + r] = before[0][r];
      sums_[row + r] = before[1][r];
    }
  }

  // One tile, which starts at `row`, against the packed keys, which start at key `first`; the answers of rows
  // [begin, end) are kept.
  void attend(int64_t row, int64_t begin, int64_t end, int64_t first) {
    const int64_t n_seen = rows_.visible(end - 1) - first;  // by the last row, who sees most
    if (n_seen <= 0) return;
    const int64_t n_keys = round_up_to(n_seen < kTileKeys ? n_seen : kTileKeys, kPanel);
    float* out[kRows];  // other rows go to a spare row
    for (int64_t r = 0; r < kRows; ++r) {
      out[r] = row + r >= begin && row + r < end ? rows_.out(row + r) : spare_;
      for (int64_t c = 0; c < head_dim_; c += kLanes) __builtin_prefetch(out[r] + c, 1);
    }
    V best[kLanes];
    score(queries_ + row * key_units_, n_keys, best);
    if (rows_.visible(row) - first < n_keys) hide(row, first, n_keys, best);
    alignas(64) float shrink[kLanes];
    weigh(row, n_keys, best, shrink);
    int64_t c = 0;
    for (; c + kPanel <= head_dim_; c += kPanel) add_values<true>(out, c, n_keys, shrink);
    if (c < head_dim_) add_values<false>(out, c, n_keys, shrink);
  }

  // acc += left * right over `n_steps` units. right is [n_steps][kPanel].
  template <int64_t kRowStride, int64_t kStepStride>
  static void multiply(const Unit* left, const Unit* right, int64_t n_steps, Tile& acc) {
    for (int64_t step = 0; step < n_steps; ++step) {
      V lanes[A::kVectors];
#pragma GCC unroll 4
      for (int64_t j = 0; j < A::kVectors; ++j) lanes[j] = V::load(reinterpret_cast<const float*>(right + j * kLanes));
#pragma GCC unroll 16
      for (int64_t r = 0; r < kRows; ++r) {
        const V factor = A::broadcast(left + r * kRowStride);
#pragma GCC unroll 4
        for (int64_t j = 0; j < A::kVectors; ++j) acc[r][j] = A::multiply_add(factor, lanes[j], acc[r][j]);
      }
      left += kStepStride;
      right += kPanel;
    }
  }

  // scores_[kRows][kTileKeys] = queries * keys; best[r] has the largest of row r in its lanes.
  void score(const Unit* queries, int64_t n_keys, V (&best)[kLanes]) {
    for (V& row : best) row = V::all(kNoScore);
    for (int64_t key = 0; key < n_keys; key += kPanel) {
      Tile acc;
#pragma GCC unroll 16
      for (int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
        for (int64_t j = 0; j < A::kVectors; ++j) acc[r][j] = V::zero();
      }
      multiply<1, kRows>(queries, keys_ + key * key_units_, key_units_, acc);
      float* scores = scores_ + key;
#pragma GCC unroll 16
      for (int64_t r = 0; r < kRows; ++r) {
        V top = best[r];
#pragma GCC unroll 4
        for (int64_t j = 0; j < A::kVectors; ++j) {
          acc[r][j].store(scores + r * kTileKeys + j * kLanes);
          top = max(acc[r][j], top);
        }
        best[r] = top;
      }
    }
  }

  // Scores of keys that a row does not see, or that do not exist, become -infinity.
  void hide(int64_t row, int64_t first, int64_t n_keys, V (&best)[kLanes]) {
    for (int64_t r = 0; r < rows_of(row); ++r) {
      float* scores = scores_ + r * kTileKeys;
      const int64_t seen = rows_.visible(row + r) - first;
      for (int64_t key = seen < 0 ? 0 : seen; key < n_keys; ++key) scores[key] = -__builtin_inff();
      best[r] = V::all(kNoScore);
      for (int64_t key = 0; key < n_keys; key += kLanes) best[r] = max(V::load(scores + key), best[r]);
    }
  }

  // Turns scores into weights 2^(score - largest), as units in place, and brings the largest scores
  // and the sums of the rows up to date. What was summed before must be multiplied by `shrink`.
  void weigh(int64_t row, int64_t n_keys, const V (&best)[kLanes], float (&shrink)[kLanes]) {
    const V before = V::load_first(largest_ + row, kRows);
    const V now = max(before, V::maxima(best));
    alignas(64) float tops[kLanes];
    now.store(tops);
    now.store_first(largest_ + row, kRows);
    const V factor = exp2(before - now);
    factor.store(shrink);
    V sums[kLanes];
    for (int64_t r = 0; r < kRows; ++r) sums[r] = A::weigh(scores_ + r * kTileKeys, n_keys, V::all(tops[r]));
    for (int64_t r = kRows; r < kLanes; ++r) sums[r] = V::zero();
    fma(V::load_first(sums_ + row, kRows), factor, V::sums(sums)).store_first(sums_ + row, kRows);
  }

  // out = out * shrink + weights * values for channels [c, c + kPanel), of which some are missing
  // unless kWhole.
  template <bool kWhole>
  void add_values(float* const (&out)[kRows], int64_t c, int64_t n_keys, const float (&shrink)[kLanes]) {
    Tile acc;
#pragma GCC unroll 16
    for (int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int64_t j = 0; j < A::kVectors; ++j) {
        const int64_t at = c + j * kLanes;
        const V sum = kWhole ? V::load(out[r] + at) : V::load_first(out[r] + at, lanes_at(at));
        acc[r][j] = sum * V::all(shrink[r]);
      }
    }
    multiply<kTileKeys, 1>(reinterpret_cast<const Unit*>(scores_), values_ + c * (kTileKeys / kPerUnit),
                           n_keys / kPerUnit, acc);
#pragma GCC unroll 16
    for (int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int64_t j = 0; j < A::kVectors; ++j) {
        const int64_t at = c + j * kLanes;
        if constexpr (kWhole) {
          acc[r][j].store(out[r] + at);
        } else {
          acc[r][j].store_first(out[r] + at, lanes_at(at));
        }
      }
    }
  }

  // How many of the 16 channels from c on exist.
  int64_t lanes_at(int64_t c) const {
    const int64_t n = head_dim_ - c;
    return n < 0 ? 0 : n < kLanes ? n : kLanes;
  }

  void clear(float* row) const {
    for (int64_t c = 0; c < head_dim_; ++c) row[c] = 0;
  }

  void divide(int64_t row) {
    const V factor = V::all(1.0f / sums_[row]);
    float* out = rows_.out(row);
    int64_t c = 0;
    for (; c + kLanes <= head_dim_; c += kLanes) (V::load(out + c) * factor).store(out + c);
    const int64_t n = lanes_at(c);
    if (n > 0) (V::load_first(out + c, n) * factor).store_first(out + c, n);
  }

  const AttentionRows<V>& rows_;
  int64_t head_dim_;
  int64_t key_units_;  // of a key or query
  Unit* keys_;    // as in attention_panels.h
  Unit* values_;
  Unit* queries_;
  float* largest_;
  float* sums_;
  float* scores_;  // of one tile, and then its weights
  float* spare_;   // [head_dim]
  Panels<A> panels_;
};

}  // namespace docmind::kernels::simd
