// Sealed pages in attention of a few rows: codes are multiplied as they lie, with whole numbers.
//
// Keys: a score is sum_c q[c] (min[c] + scale[c] code[c]). The products q[c] scale[c] of a row are rounded to
// whole numbers n[c] times a step, and with the middle m of the codes
//   score = step sum_c n[c] code[c] + sum_c q[c] min[c] + m (sum_c q[c] scale[c] - step sum_c n[c])
// so that a rounding error meets code - m and not code. Values: the products of weights and scales of
// tokens are rounded likewise, and the answer is step (sum_t n[t] code[t] - m sum_t n[t]).
//
// P has Codes (how units are unpacked), Narrow and Wide (factors of about 8 and of 16 bits).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/attention_scratch.h"
#include "kernels/kv_page.h"
#include "kernels/simd/attention_rows.h"

namespace docmind::kernels::simd {

// Memory that is asked for before it is needed, four cache lines at each step of other work. Pages lie
// anywhere, so the hardware does not foresee the next one.
template <class V>
struct Ahead {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;

  void step() {
    if (at >= end) return;
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) __builtin_prefetch(at + 64 * i, 0, 3);
    at += 256;
  }
};

template <class P>
class DirectPages {
  using Codes = typename P::Codes;
  using V = typename Codes::V;
  using Parts = KvHeadParts<const std::byte>;
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int64_t kVectors = kKvPageTokens / kLanes;  // of tokens
  static constexpr int64_t kFours = kKvPageTokens / 4;
  static constexpr int64_t kScaleBytes = kKvPageTokens * static_cast<int64_t>(sizeof(Half));
  static_assert(kPageTokens == kKvPageTokens);

 public:
  DirectPages(const AttentionRows<V>& rows, float* scratch)
    : rows_(rows), head_dim_(rows.job.head_dim), key_group_(rows.job.kv.shape.key_group) {
    const int64_t group = rows.job.kv.shape.value_group;
    channels_ = group < head_dim_ ? group : head_dim_;
    first_group_ = group == 0 ? 0 : rows.kv_head * head_dim_ / group;
    const DirectScratch at = direct_scratch(head_dim_);
    products_ = scratch + at.products;
    key_factors_ = scratch + at.key_factors;
    weight_factors_ = scratch + at.weight_factors;
  }

  // Scores of the page's tokens, to scores[row * kDirectKeys + token], from queries [rows][head_dim].
  void score(const Parts& from, const float* queries, float* scores, Ahead<V> ahead) {
    with_bits<V>(from.key_bits, [&]<int kBits>() {
      for_rows([&]<int64_t R>(int64_t row) {
        const float* q = queries + row * head_dim_;
        float* to = scores + row * kDirectKeys;
        if constexpr (kBits < 8) {
          if (!rows_.job.exact) return score_rows<typename P::Narrow, kBits, R>(from, q, to, ahead);
        }
        score_rows<typename P::Wide, kBits, R>(from, q, to, ahead);
      });
    });
  }

  // sums[rows][head_dim] = sums * shrink[row] + weights * values, weights as scores before.
  void add(const Parts& from, const float* weights, const float* shrink, float* sums, Ahead<V> ahead) {
    with_bits<V>(from.value_bits, [&]<int kBits>() {
      for_rows([&]<int64_t R>(int64_t row) {
        add_rows<kBits, R>(from, weights + row * kDirectKeys, shrink + row, sums + row * head_dim_, ahead);
      });
    });
  }

  // What add() will read, and what score() will read of the next page.
  Ahead<V> values_ahead(const Parts& from) const {
    const std::byte* scales = from.value_scales + first_group_ * kScaleBytes;
    for (int64_t c = 0; c < head_dim_; c += channels_, scales += kScaleBytes) {
      for (int64_t i = 0; i < kScaleBytes; i += 64) __builtin_prefetch(scales + i);
    }
    return {from.value_codes, from.value_codes + kv_code_bytes(rows_.job.kv.shape, from.value_bits)};
  }
  Ahead<V> keys_ahead(const Parts& from) const { return {from.key_codes, from.value_codes}; }

 private:
  // What turns sums of whole numbers into a row's answers: step * sum + bias.
  struct Line {
    float step;
    float bias;
  };

  static constexpr float middle(int bits) { return static_cast<float>((1 << bits) - 1) / 2; }
  static V magnitude(V x) { return max(x, V::zero() - x); }
  static const Half* halves(const std::byte* at) { return reinterpret_cast<const Half*>(at); }
  // How many vectors of sums R rows keep in registers at once.
  template <class F>
  static constexpr int64_t vectors_at_once(int64_t n_rows) {
    int64_t n = kVectors;
    while (n > 1 && n_rows * n * F::kSumVectors > F::kSums) n /= 2;
    return n;
  }

  // Runs f<rows>(first row) until all rows are covered; groups of query heads are mostly 1, 2, 4, 5 or 8.
  template <class F>
  void for_rows(F f) {
    int64_t row = 0;
    if (rows_.n_rows % 5 == 0) {
      for (; row < rows_.n_rows; row += 5) f.template operator()<5>(row);
    }
    for (; row + 4 <= rows_.n_rows; row += 4) f.template operator()<4>(row);
    if (row + 2 <= rows_.n_rows) {
      f.template operator()<2>(row);
      row += 2;
    }
    if (row < rows_.n_rows) f.template operator()<1>(row);
  }

  template <class F, int kBits, int64_t R>
  void score_rows(const Parts& from, const float* q, float* scores, Ahead<V>& ahead) {
    constexpr int64_t T = vectors_at_once<F>(R);
    auto* factors = reinterpret_cast<typename F::Factors*>(key_factors_);
    Line lines[R];
    for (int64_t token = 0; token < kKvPageTokens; token += key_group_) {
      const Half* scale = halves(from.key_params) + token / key_group_ * 2 * head_dim_;
      load_queries<F, kBits, R>(q, scale, scale + head_dim_, factors, lines);
      const int64_t end = token + key_group_;
      if (key_group_ == kKvPageTokens) {
        for (int64_t t = token; t < end; t += T * kLanes) {
          score_vectors<F, kBits, R, T>(from.key_codes, t, factors, lines, scores, ahead);
        }
      } else {
        constexpr int64_t kFew = T < 2 ? T : 2;
        for (int64_t t = token; t < end; t += kFew * kLanes) {
          score_vectors<F, kBits, R, kFew>(from.key_codes, t, factors, lines, scores, ahead);
        }
      }
    }
  }

  // q * scale as factors [R][head_dim / 4], and the lines of the rows' scores.
  template <class F, int kBits, int64_t R>
  void load_queries(const float* q, const Half* scale, const Half* min, typename F::Factors* factors, Line* lines) {
    V top[R], sum[R], bias[R];
    for (int64_t r = 0; r < R; ++r) top[r] = sum[r] = bias[r] = V::zero();
    for (int64_t c = 0; c < head_dim_; c += kLanes) {
      const V scales = V::load(scale + c), mins = V::load(min + c);
#pragma GCC unroll 8
      for (int64_t r = 0; r < R; ++r) {
        const V query = V::load(q + r * head_dim_ + c), product = query * scales;
        product.store(products_ + r * head_dim_ + c);
        top[r] = max(top[r], magnitude(product));
        sum[r] = sum[r] + product;
        bias[r] = fma(query, mins, bias[r]);
      }
    }
    for (int64_t r = 0; r < R; ++r) {
      const V rounded = round_products<F>(products_ + r * head_dim_, head_dim_, top[r], factors + r * head_dim_ / 4,
                                          lines[r].step);
      const V lost = fnma(rounded, V::all(lines[r].step), sum[r]);
      lines[r].bias = sum_of(fma(lost, V::all(middle(kBits)), bias[r]));
    }
  }

  // n products as whole numbers of `step`; the answer's lanes add up to their sum.
  template <class F>
  static V round_products(const float* products, int64_t n, V top, typename F::Factors* factors, float& step) {
    const float largest = F::largest(n), most = max_of(top);
    const bool is_some = most > 1e-30f;  // less is nothing beside any score or weight
    step = is_some ? most / largest : 0.0f;
    const V inverse = V::all(is_some ? largest / most : 0.0f);
    V sum = V::zero();
    for (int64_t i = 0; i < n; i += kLanes) {
      const V whole = round(V::load(products + i) * inverse);
      F::store(whole, factors + i / 4);
      sum = sum + whole;
    }
    return sum;
  }

  // Scores of T vectors of tokens from `token` on.
  template <class F, int kBits, int64_t R, int64_t T>
  void score_vectors(const std::byte* codes, int64_t token, const typename F::Factors* factors, const Line* lines,
                     float* scores, Ahead<V>& ahead) {
    typename F::Sum sums[R][T];
#pragma GCC unroll 8
    for (auto& row : sums) {
#pragma GCC unroll 4
      for (auto& sum : row) sum = F::zero();
    }
    const int64_t n_fours = head_dim_ / 4;
    const std::byte* unit = codes + token / kLanes * kv_unit_bytes(kBits);
    for (int64_t four = 0; four < n_fours; ++four, unit += kVectors * kv_unit_bytes(kBits)) {
      ahead.step();
#pragma GCC unroll 4
      for (int64_t t = 0; t < T; ++t) {
        const auto lanes = F::codes(Codes::template load<kBits>(unit + t * kv_unit_bytes(kBits)));
#pragma GCC unroll 8
        for (int64_t r = 0; r < R; ++r) F::add(sums[r][t], lanes, factors[r * n_fours + four]);
      }
    }
#pragma GCC unroll 8
    for (int64_t r = 0; r < R; ++r) {
      const V step = V::all(lines[r].step), bias = V::all(lines[r].bias);
#pragma GCC unroll 4
      for (int64_t t = 0; t < T; ++t) {
        fma(F::floats(sums[r][t]), step, bias).store(scores + r * kDirectKeys + token + t * kLanes);
      }
    }
  }

  template <int kBits, int64_t R>
  void add_rows(const Parts& from, const float* weights, const float* shrink, float* sums, Ahead<V>& ahead) {
    using F = typename P::Wide;
    constexpr int64_t N = vectors_at_once<F>(R);
    auto* factors = reinterpret_cast<typename F::Factors*>(weight_factors_);
    const Half* scale = halves(from.value_scales) + first_group_ * kKvPageTokens;
    Line lines[R];
    for (int64_t first = 0; first < head_dim_; first += channels_, scale += kKvPageTokens) {
      for (int64_t r = 0; r < R; ++r) {
        lines[r] = load_weights<F, kBits>(weights + r * kDirectKeys, scale, factors + r * kFours);
      }
      int64_t c = first;
      for (; c + N * kLanes <= first + channels_; c += N * kLanes) {
        add_vectors<F, kBits, R, N>(from.value_codes, c, factors, lines, shrink, sums, ahead);
      }
      for (; c < first + channels_; c += kLanes) {
        add_vectors<F, kBits, R, 1>(from.value_codes, c, factors, lines, shrink, sums, ahead);
      }
    }
  }

  // A row's weights * scales as factors [64 / 4].
  template <class F, int kBits>
  Line load_weights(const float* weights, const Half* scale, typename F::Factors* factors) {
    alignas(64) float products[kKvPageTokens];
    V top = V::zero();
#pragma GCC unroll 4
    for (int64_t t = 0; t < kKvPageTokens; t += kLanes) {
      const V product = V::load(weights + t) * V::load(scale + t);
      product.store(products + t);
      top = max(top, product);
    }
    Line line;
    const V sum = round_products<F>(products, kKvPageTokens, top, factors, line.step);
    line.bias = -middle(kBits) * line.step * sum_of(sum);
    return line;
  }

  // N vectors of channels from c on.
  template <class F, int kBits, int64_t R, int64_t N>
  void add_vectors(const std::byte* codes, int64_t c, const typename F::Factors* factors, const Line* lines,
                   const float* shrink, float* to, Ahead<V>& ahead) {
    typename F::Sum sums[R][N];
#pragma GCC unroll 8
    for (auto& row : sums) {
#pragma GCC unroll 4
      for (auto& sum : row) sum = F::zero();
    }
    const std::byte* unit = codes + c / kLanes * kFours * kv_unit_bytes(kBits);
    for (int64_t four = 0; four < kFours; ++four, unit += kv_unit_bytes(kBits)) {
      ahead.step();
#pragma GCC unroll 4
      for (int64_t n = 0; n < N; ++n) {
        const auto lanes = F::codes(Codes::template load<kBits>(unit + n * kFours * kv_unit_bytes(kBits)));
#pragma GCC unroll 8
        for (int64_t r = 0; r < R; ++r) F::add(sums[r][n], lanes, factors[r * kFours + four]);
      }
    }
#pragma GCC unroll 8
    for (int64_t r = 0; r < R; ++r) {
      const V step = V::all(lines[r].step), bias = V::all(lines[r].bias), before = V::all(shrink[r]);
#pragma GCC unroll 4
      for (int64_t n = 0; n < N; ++n) {
        float* at = to + r * head_dim_ + c + n * kLanes;
        fma(V::load(at), before, fma(F::floats(sums[r][n]), step, bias)).store(at);
      }
    }
  }

  const AttentionRows<V>& rows_;
  int64_t head_dim_;
  int64_t key_group_;
  int64_t channels_;     // of the head that share scales of values
  int64_t first_group_;  // of the head's channels
  float* products_;      // [kPageRows][head_dim]
  float* key_factors_;
  float* weight_factors_;
};

}  // namespace docmind::kernels::simd
