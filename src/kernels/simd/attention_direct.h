// Attention of a few rows (decoding): keys and values are read as they lie, once for all rows. The rows
// belong to queries of one page, so that all see the pages in the same form.
//
// In exact blocks, lanes are channels. P is as in attention_direct_pages.h, kRows x kStep the rows and
// keys (or rows and vectors of channels) that are kept in registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/attention_scratch.h"
#include "kernels/simd/attention_direct_pages.h"
#include "kernels/simd/attention_rows.h"
#include "kernels/simd/exp.h"

namespace docmind::kernels::simd {

template <class P, int64_t kRows, int64_t kStep>
class DirectAttention {
  using V = typename P::Codes::V;
  static constexpr int64_t kLanes = V::kLanes;
  static_assert(kKvBlockTokens == kLanes && kKvBlockTokens % kStep == 0 && kDirectKeys % kLanes == 0);
  static_assert(kMaxDirectRows <= kLanes && kDirectKeys % kKvPageTokens == 0);

 public:
  DirectAttention(const AttentionRows<V>& rows, std::byte* scratch)
    : rows_(rows), pages_(rows, reinterpret_cast<float*>(scratch)), head_dim_(rows.job.head_dim),
      width_(round_up_to(rows.job.head_dim, kLanes)), own_page_(rows.own_page(0)),
      n_keys_(rows.visible(rows.n_rows - 1)) {
    const DirectScratch at = direct_scratch(head_dim_);
    float* floats = reinterpret_cast<float*>(scratch);
    queries_ = floats + at.queries;
    sums_ = floats + at.sums;
    scores_ = floats + at.scores;
  }

  void run() {
    start();
    for (int64_t key = 0; key < n_keys_; key += kDirectKeys) {
      const int64_t n = score_keys(key, n_keys_ - key < kDirectKeys ? n_keys_ - key : kDirectKeys);
      weigh(key, n);
      add_values(key, n);
    }
    finish();
  }

 private:
  void start() {
    const V scale = V::all(score_scale<V>(rows_.job));
    for (int64_t row = 0; row < rows_.n_rows; ++row) {
      for (int64_t c = 0; c < width_; c += kLanes) {
        const int64_t n = head_dim_ - c < kLanes ? head_dim_ - c : kLanes;
        (V::load_first(rows_.query(row) + c, n) * scale).store(queries_ + row * width_ + c);
        V::zero().store(sums_ + row * width_ + c);
      }
    }
    V::all(kNoScore).store(largest_);
    V::zero().store(totals_);
  }

  static V load_whole(const Half* p) { return V::load(p); }

  // Runs f(first row, rows as a constant) until all rows are covered.
  template <class F>
  void for_rows(F f) {
    int64_t row = 0;
    for (; row + kRows <= rows_.n_rows; row += kRows) f.template operator()<kRows>(row);
    if constexpr (kRows > 2) {
      for (; row + 2 <= rows_.n_rows; row += 2) f.template operator()<2>(row);
    }
    for (; row < rows_.n_rows; ++row) f.template operator()<1>(row);
  }

  bool is_sealed(int64_t key) const { return rows_.reads_sealed(key / kKvPageTokens, own_page_); }

  // Scores of n keys from `first` on; answers n, rounded up to whole pages where they are sealed.
  int64_t score_keys(int64_t first, int64_t n) {
    for (int64_t at = 0; at < n; at += kKvPageTokens) {
      if (is_sealed(first + at)) {
        const KvHeadParts<const std::byte> page = rows_.sealed((first + at) / kKvPageTokens);
        prefetch_page(first + at + 2 * kDirectKeys);
        pages_.score(page, queries_, scores_ + at, pages_.values_ahead(page));
        if (n < at + kKvPageTokens) n = at + kKvPageTokens;
      } else {
        const int64_t end = n - at < kKvPageTokens ? n : at + kKvPageTokens;
        for (int64_t i = at; i < end; i += kKvBlockTokens) score_block(first + i, i, n - i);
      }
    }
    return n;
  }

  // Where the parts of a page are.
  void prefetch_page(int64_t key) const {
    if (key >= n_keys_) return;
    const std::byte* page = rows_.job.kv.pages[key / kKvPageTokens];
    __builtin_prefetch(page + rows_.job.kv.layer * static_cast<int64_t>(sizeof(KvPageLayer)));
  }

  // Scores of all rows for the up to 16 keys of one block, to scores_[row][at..].
  void score_block(int64_t key, int64_t at, int64_t n_keys) {
    const Half* keys = rows_.key(key);
    prefetch(rows_.value(key));
    if (n_keys > kKvBlockTokens && !is_sealed(key + kKvBlockTokens)) prefetch(rows_.key(key + kKvBlockTokens));
    const int64_t n = n_keys < kKvBlockTokens ? n_keys : kKvBlockTokens;
    for_rows([&]<int64_t R>(int64_t row) {
      V products[R][kLanes];
      int64_t i = 0;
      for (; i + kStep <= n; i += kStep) multiply<R, kStep>(row, keys, i, products);
      for (; i < n; ++i) multiply<R, 1>(row, keys, i, products);
      for (; i < kLanes; ++i) {
        for (int64_t r = 0; r < R; ++r) products[r][i] = V::zero();
      }
      for (int64_t r = 0; r < R; ++r) V::sums(products[r]).store(scores_ + (row + r) * kDirectKeys + at);
    });
  }

  // Blocks lie anywhere, so the hardware does not foresee the next one.
  void prefetch(const Half* block) const {
    const int64_t n_bytes = kKvBlockTokens * head_dim_ * static_cast<int64_t>(sizeof(Half));
    for (int64_t i = 0; i < n_bytes; i += 64) __builtin_prefetch(reinterpret_cast<const std::byte*>(block) + i, 0, 2);
  }

  // Lane by lane products of R rows with K keys of a block.
  template <int64_t R, int64_t K>
  void multiply(int64_t row, const Half* keys, int64_t i, V (&products)[R][kLanes]) {
    V acc[R][K];
    for (auto& lanes : acc) {
      for (V& lane : lanes) lane = V::zero();
    }
    const auto step = [&](int64_t c, auto load) {
      V query[R];
#pragma GCC unroll 8
      for (int64_t r = 0; r < R; ++r) query[r] = V::load(queries_ + (row + r) * width_ + c);
#pragma GCC unroll 8
      for (int64_t k = 0; k < K; ++k) {
        const V lanes = load(keys + (i + k) * head_dim_ + c);
#pragma GCC unroll 8
        for (int64_t r = 0; r < R; ++r) acc[r][k] = fma(query[r], lanes, acc[r][k]);
      }
    };
    int64_t c = 0;
    for (; c + kLanes <= head_dim_; c += kLanes) step(c, load_whole);
    if (c < head_dim_) step(c, [&](const Half* p) { return V::load_first(p, head_dim_ - c); });
    for (int64_t r = 0; r < R; ++r) {
      for (int64_t k = 0; k < K; ++k) products[r][i + k] = acc[r][k];
    }
  }

  // Scores of n keys from `first` on become weights relative to the row's largest score so far;
  // shrink_ is what the sums must be multiplied by.
  void weigh(int64_t first, int64_t n) {
    for (int64_t row = 0; row < rows_.n_rows; ++row) {
      float* scores = scores_ + row * kDirectKeys;
      const int64_t seen = rows_.visible(row) - first;
      const int64_t padded = round_up_to(n, kLanes);
      for (int64_t i = seen < n ? (seen < 0 ? 0 : seen) : n; i < padded; ++i) scores[i] = -__builtin_inff();
      V best = V::all(largest_[row]);
      for (int64_t i = 0; i < padded; i += kLanes) best = max(best, V::load(scores + i));
      const float top = max_of(best);
      V total = V::zero();
      for (int64_t i = 0; i < padded; i += kLanes) {
        const V weight = exp2(V::load(scores + i) - V::all(top));
        weight.store(scores + i);
        total = total + weight;
      }
      V shrink = exp2(V::all(largest_[row]) - V::all(top));
      shrink.store_first(shrink_ + row, 1);
      totals_[row] = totals_[row] * shrink_[row] + sum_of(total);
      largest_[row] = top;
    }
  }

  // sums = sums * shrink + weights * values, over n keys from `first` on
  void add_values(int64_t first, int64_t n) {
    const bool some_sealed = is_sealed(first) || (n > kKvPageTokens && is_sealed(first + kKvPageTokens));
    if (!some_sealed) return add_exact(first, 0, n);
    for (int64_t at = 0; at < n; at += kKvPageTokens) {
      if (is_sealed(first + at)) {
        const int64_t next = first + at + kDirectKeys;
        const bool is_next = next < n_keys_ && is_sealed(next);
        pages_.add(rows_.sealed((first + at) / kKvPageTokens), scores_ + at, shrink_, sums_,
                   is_next ? pages_.keys_ahead(rows_.sealed(next / kKvPageTokens)) : Ahead<V>{});
      } else {
        add_exact(first, at, n - at < kKvPageTokens ? n - at : kKvPageTokens);
      }
      V::all(1.0f).store(shrink_);
    }
  }

  // The same for n keys from `first` + `at` on, whose weights are scores_[row][at..].
  void add_exact(int64_t first, int64_t at, int64_t n) {
    for_rows([&]<int64_t R>(int64_t row) {
      const float* weights = scores_ + row * kDirectKeys + at;
      int64_t c = 0;
      for (; c + kStep * kLanes <= head_dim_; c += kStep * kLanes) {
        add<R, kStep>(row, first + at, n, weights, c, load_whole);
      }
      for (; c + kLanes <= head_dim_; c += kLanes) add<R, 1>(row, first + at, n, weights, c, load_whole);
      const int64_t rest = head_dim_ - c;
      const auto load_rest = [rest](const Half* p) { return V::load_first(p, rest); };
      if (rest > 0) add<R, 1>(row, first + at, n, weights, c, load_rest);
    });
  }

  // The same for R rows and N vectors of channels from c on.
  template <int64_t R, int64_t N, class Load>
  void add(int64_t row, int64_t first, int64_t n, const float* all_weights, int64_t c, Load load) {
    V acc[R][N];
#pragma GCC unroll 8
    for (int64_t r = 0; r < R; ++r) {
      const V shrink = V::all(shrink_[row + r]);
#pragma GCC unroll 8
      for (int64_t j = 0; j < N; ++j) acc[r][j] = V::load(sums_ + (row + r) * width_ + c + j * kLanes) * shrink;
    }
    for (int64_t block = 0; block < n; block += kKvBlockTokens) {
      const Half* values = rows_.value(first + block) + c;
      const float* weights = all_weights + block;
      const int64_t n_keys = n - block < kKvBlockTokens ? n - block : kKvBlockTokens;
      for (int64_t key = 0; key < n_keys; ++key) {
        V lanes[N];
#pragma GCC unroll 8
        for (int64_t j = 0; j < N; ++j) lanes[j] = load(values + key * head_dim_ + j * kLanes);
#pragma GCC unroll 8
        for (int64_t r = 0; r < R; ++r) {
          const V weight = V::all(weights[r * kDirectKeys + key]);
#pragma GCC unroll 8
          for (int64_t j = 0; j < N; ++j) acc[r][j] = fma(weight, lanes[j], acc[r][j]);
        }
      }
    }
#pragma GCC unroll 8
    for (int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int64_t j = 0; j < N; ++j) acc[r][j].store(sums_ + (row + r) * width_ + c + j * kLanes);
    }
  }

  void finish() {
    for (int64_t row = 0; row < rows_.n_rows; ++row) {
      const V factor = V::all(1.0f / totals_[row]);
      for (int64_t c = 0; c < head_dim_; c += kLanes) {
        const int64_t n = head_dim_ - c < kLanes ? head_dim_ - c : kLanes;
        (V::load(sums_ + row * width_ + c) * factor).store_first(rows_.out(row) + c, n);
      }
    }
  }

  const AttentionRows<V>& rows_;
  DirectPages<P> pages_;
  int64_t head_dim_;
  int64_t width_;    // head_dim rounded up to whole vectors
  int64_t own_page_;
  int64_t n_keys_;   // that the last row sees
  float* queries_;   // [rows][width], scaled
  float* sums_;      // [rows][width], weighted values
  float* scores_;    // [rows][kDirectKeys], scores and then weights
  alignas(64) float largest_[kLanes];  // of each row: largest score, sum of weights, last shrinking
  alignas(64) float totals_[kLanes];
  alignas(64) float shrink_[kLanes];
};

}  // namespace docmind::kernels::simd
