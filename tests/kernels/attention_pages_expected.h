// expect_row: what attention over sealed pages must answer, computed in double precision with keys and values
// as they were sealed, and how far off a kernel may be.
//
// Tolerances. Over pages, decoding multiplies codes by whole numbers. A query times a channel's scale is
// rounded to a step of 1/L of the page's largest such product, off by up to half a step and by
// step / sqrt(12) typically; the code's distance from the middle multiplies that, so a score is off by
// step / sqrt(12) * sqrt(sum of (code - middle)^2 over the channels). Weights times a token's scale
// are rounded likewise, which puts the answer off by the same root over the page's tokens. L is 127 where
// products are in bytes and 2^14 at least elsewhere. As these errors are independent, 5 standard
// deviations are allowed. Everything else is off as over exact blocks (attention_test.cc).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/attention_pages_problem.h"
#include "kernels/half.h"
#include "kernels/kv_page.h"

namespace docmind::test {

using kernels::kKvPageTokens;

constexpr double kFloatEpsilon = std::numeric_limits<float>::epsilon();
constexpr double kRoundoffOfBf16 = 0x1p-8;

struct Precision {
  bool bf16 = false;       // of all products
  double key_levels = 0;   // L of decoding, 0 where products are of floats
  double value_levels = 0;
};

inline double square(double x) { return x * x; }

// A key or value, and what its rounding may cost for each unit of the row's largest product.
struct Token {
  std::vector<float> key, value;
  bool sealed = false;
};

inline Token read_token(PagesProblem& p, int64_t query, int64_t kv_head, int64_t t) {
  const auto d = static_cast<size_t>(p.job.head_dim);
  Token token{std::vector<float>(d), std::vector<float>(d), p.reads_sealed(query, t)};
  if (token.sealed) {
    const std::byte* page = p.page(t / kKvPageTokens);
    kernels::ref::read_sealed_key(p.page_shape(), page, PagesProblem::kLayer, kv_head, t % kKvPageTokens,
                                  token.key.data());
    kernels::ref::read_sealed_value(p.page_shape(), page, PagesProblem::kLayer, kv_head, t % kKvPageTokens,
                                    token.value.data());
    return token;
  }
  for (size_t c = 0; c < d; ++c) {
    token.key[c] = kernels::half_to_float(p.problem.key(kv_head, t)[c]);
    token.value[c] = kernels::half_to_float(p.problem.value(kv_head, t)[c]);
  }
  return token;
}

inline double half_at(const std::byte* at, int64_t i) {
  kernels::Half half;
  std::memcpy(&half, at + i * 2, sizeof half);
  return kernels::half_to_float(half);
}

// Standard deviation of a score, unscaled, as its query is rounded for decoding.
inline double key_rounding(PagesProblem& p, int64_t query, int64_t head, int64_t kv_head, int64_t t, double levels) {
  const int64_t d = p.job.head_dim;
  const auto parts = kernels::kv_head_parts(p.page_shape(), p.page(t / kKvPageTokens), PagesProblem::kLayer, kv_head);
  const std::byte* scales = parts.key_params + t % kKvPageTokens / p.format.key_group * 2 * d * 2;
  const double middle = ((1 << parts.key_bits) - 1) / 2.0;
  double largest = 0, squares = 0;
  for (int64_t c = 0; c < d; ++c) {
    largest = std::max(largest, std::abs(p.problem.query(query, head)[c] * half_at(scales, c)));
    const int64_t index = kernels::kv_key_index(t % kKvPageTokens, c);
    squares += square(kernels::ref::kv_code(parts.key_codes, parts.key_bits, index) - middle);
  }
  return largest / levels * std::sqrt(squares / 12);
}

// The square of the standard deviation of the answer's channel c, as weights are rounded for decoding.
inline double value_rounding(PagesProblem& p, int64_t kv_head, int64_t page, int64_t c, const double* weights,
                             int64_t n, double levels) {
  const int64_t d = p.job.head_dim;
  const auto parts = kernels::kv_head_parts(p.page_shape(), p.page(page), PagesProblem::kLayer, kv_head);
  const std::byte* scales = parts.value_scales + (kv_head * d + c) / p.format.value_group * kKvPageTokens * 2;
  const double middle = ((1 << parts.value_bits) - 1) / 2.0;
  double largest = 0, squares = 0;
  for (int64_t t = 0; t < n; ++t) {
    largest = std::max(largest, weights[t] * half_at(scales, t));
    squares += square(kernels::ref::kv_code(parts.value_codes, parts.value_bits, kernels::kv_value_index(d, t, c)) -
                      middle);
  }
  return square(largest / levels) * squares / 12;
}

struct Expected {
  std::vector<double> row, tolerance;
};

inline Expected expect_row(PagesProblem& p, int64_t query, int64_t head, const Precision& precision) {
  const int64_t kv_head = head / (p.job.n_heads / p.job.n_kv_heads);
  const int64_t n = p.problem.visible(query), d = p.job.head_dim;
  std::vector<Token> tokens;
  std::vector<double> weights;
  double score_error = 0;
  for (int64_t t = 0; t < n; ++t) {
    const Token& token = tokens.emplace_back(read_token(p, query, kv_head, t));
    double score = 0, squares = 0, magnitude = 0;
    for (int64_t c = 0; c < d; ++c) {
      const double product = static_cast<double>(p.problem.query(query, head)[c]) * token.key[static_cast<size_t>(c)];
      score += product;
      squares += square(product);
      magnitude += std::abs(product);
    }
    weights.push_back(score * p.job.scale);
    double error = 5 * kFloatEpsilon * (std::sqrt(d) * std::sqrt(squares) + magnitude / 4 + std::abs(score));
    if (precision.bf16) error += 5 * kRoundoffOfBf16 * std::sqrt(squares);
    if (token.sealed && precision.key_levels > 0) {
      error += 5 * key_rounding(p, query, head, kv_head, t, precision.key_levels);
    }
    score_error = std::max(score_error, error * p.job.scale);
  }
  const double top = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - top);
  for (double& weight : weights) weight /= sum;
  Expected expected{std::vector<double>(static_cast<size_t>(d)), std::vector<double>(static_cast<size_t>(d))};
  for (int64_t c = 0; c < d; ++c) {
    double mean = 0, magnitude = 0, rounding = 0;
    for (int64_t t = 0; t < n; ++t) {
      const double value = tokens[static_cast<size_t>(t)].value[static_cast<size_t>(c)];
      mean += weights[static_cast<size_t>(t)] * value;
      magnitude += weights[static_cast<size_t>(t)] * std::abs(value);
      if (t % kKvPageTokens == 0 && tokens[static_cast<size_t>(t)].sealed && precision.value_levels > 0) {
        rounding += value_rounding(p, kv_head, t / kKvPageTokens, c, weights.data() + t,
                                   std::min(kKvPageTokens, n - t), precision.value_levels);
      }
    }
    const double roundings = 5 * kFloatEpsilon * (8 + std::sqrt(n)) + (precision.bf16 ? 2 * kRoundoffOfBf16 : 0);
    expected.row[static_cast<size_t>(c)] = mean;
    expected.tolerance[static_cast<size_t>(c)] =
        (2 * score_error + roundings) * magnitude + 5 * std::sqrt(rounding);
  }
  return expected;
}

}  // namespace docmind::test
