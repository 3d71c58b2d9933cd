// Sealing pages of the KV cache: the layout of codes, errors against their bounds, and vectors against the
// scalar twin, for all bits and shapes.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "kernels/random_matrix.h"
#include "kernels/seal_fit.h"
#include "kernels/seal_problem.h"

namespace docmind {
namespace {

using kernels::Half;
using kernels::KvPageShape;
using kernels::half_to_float;
using kernels::kKvPageTokens;
using test::SealProblem;

// Half a unit in the last place of a Half: relative, and that of subnormals.
constexpr double kHalfRounding = 1.0 / 2048, kSmallestRounding = 0x1p-25;

// The documented place of a code in its unit, bit by bit: bit b of code i is bit .second of byte .first.
std::pair<int64_t, int> place_of(int bits, int64_t i, int b) {
  if (bits == 8) return {i, b};
  if (bits == 4) return {i % 32, static_cast<int>(i / 32 * 4) + b};
  if (b == 2) return {16 + i / 8, static_cast<int>(i % 8)};
  return {i % 16, static_cast<int>(i / 16 * 2) + b};
}

using Seal = test::SealTest;

TEST(KvUnits, EveryCodeAtEveryIndex) {
  for (const int bits : test::kSealBits) {
    const auto unit_bytes = static_cast<size_t>(kernels::kv_unit_bytes(bits));
    for (int64_t i = 0; i < 128; ++i) {
      for (int code = 0; code < 1 << bits; ++code) {
        std::vector<std::byte> codes(2 * unit_bytes), expected(2 * unit_bytes);
        kernels::ref::set_kv_code(codes.data(), bits, i, code);
        for (int b = 0; b < bits; ++b) {
          const auto [byte, bit] = place_of(bits, i % 64, b);
          const size_t at = static_cast<size_t>(i / 64) * unit_bytes + static_cast<size_t>(byte);
          expected[at] |= static_cast<std::byte>((code >> b & 1) << bit);
        }
        ASSERT_EQ(codes, expected) << bits << " bits, code " << code << " at " << i;
        for (int64_t j = 0; j < 128; ++j) {
          ASSERT_EQ(kernels::ref::kv_code(codes.data(), bits, j), j == i ? code : 0) << bits << " bits at " << j;
        }
      }
    }
  }
}

TEST(KvUnits, EveryCodeHasItsOwnPlace) {
  for (const int64_t d : {4, 8, 12, 16, 20, 64, 80, 96, 128, 256}) {
    std::set<int64_t> keys, values;
    for (int64_t t = 0; t < kKvPageTokens; ++t) {
      for (int64_t c = 0; c < d; ++c) {
        keys.insert(kernels::kv_key_index(t, c));
        values.insert(kernels::kv_value_index(d, t, c));
      }
    }
    for (const auto& all : {keys, values}) {
      EXPECT_EQ(static_cast<int64_t>(all.size()), d * kKvPageTokens) << d;
      EXPECT_EQ(*all.begin(), 0);
      EXPECT_EQ(*all.rbegin(), d * kKvPageTokens - 1);
    }
  }
}

// A first fit is off by half a step within its span, and by the rest of the range outside; each refit may
// lose no more than what rounding its line to Half does.
double error_bound(double range, double largest, double span, int bits) {
  const double step = range * span / kernels::most_code(bits);
  const double rounding = kHalfRounding * (largest + range) + kSmallestRounding * (1 + kernels::most_code(bits));
  return std::max(step / 2, range * (1 - span) / 2) + (1 + kernels::refits(bits)) * rounding + 1e-5 * range;
}

struct Errors {
  double sum = 0, low = 0, high = 0;
  int64_t n = 0;

  void add(float exact, float sealed) {
    low = n == 0 ? exact : std::min<double>(low, exact);
    high = n == 0 ? exact : std::max<double>(high, exact);
    sum += std::pow(static_cast<double>(exact) - sealed, 2);
    ++n;
  }
  [[nodiscard]] double rms() const { return std::sqrt(sum / static_cast<double>(n)); }
  [[nodiscard]] double largest() const { return std::max(std::abs(low), std::abs(high)); }
};

void expect_key_errors(const SealProblem& problem) {
  const KvPageShape& s = problem.shape;
  for (int64_t h = 0; h < s.n_kv_heads; ++h) {
    for (int64_t first = 0; first < kKvPageTokens; first += s.key_group) {
      std::vector<Errors> channels(static_cast<size_t>(s.head_dim));
      for (int64_t t = first; t < first + s.key_group; ++t) {
        const std::vector<float> sealed = problem.sealed_key(h, t);
        for (size_t c = 0; c < channels.size(); ++c) channels[c].add(half_to_float(problem.key(h, t)[c]), sealed[c]);
      }
      for (const Errors& e : channels) {
        const double span = kernels::key_span(problem.key_bits);
        ASSERT_LE(e.rms(), error_bound(e.high - e.low, e.largest(), span, problem.key_bits));
      }
    }
  }
}

void expect_value_errors(const SealProblem& problem) {
  const KvPageShape& s = problem.shape;
  for (int64_t t = 0; t < kKvPageTokens; ++t) {
    std::vector<Errors> groups(static_cast<size_t>(kernels::kv_value_groups(s)));
    for (int64_t h = 0; h < s.n_kv_heads; ++h) {
      const std::vector<float> sealed = problem.sealed_value(h, t);
      for (int64_t c = 0; c < s.head_dim; ++c) {
        const auto group = static_cast<size_t>((h * s.head_dim + c) / s.value_group);
        groups[group].add(half_to_float(problem.value(h, t)[c]), sealed[static_cast<size_t>(c)]);
      }
    }
    for (const Errors& e : groups) {
      const double span = kernels::value_span(problem.value_bits);
      ASSERT_LE(e.rms(), error_bound(2 * e.largest(), e.largest(), span, problem.value_bits));
    }
  }
}

Half half_at(const std::byte* halves, int64_t i) {
  Half half;
  std::memcpy(&half, halves + i * static_cast<int64_t>(sizeof half), sizeof half);
  return half;
}

// Scales are finite and not negative, minima are finite.
void expect_plain_scales(const SealProblem& problem) {
  constexpr Half kInfinity = 0x7c00, kMagnitude = 0x7fff;
  const KvPageShape& s = problem.shape;
  for (int64_t h = 0; h < s.n_kv_heads; ++h) {
    for (int64_t i = 0; i < kKvPageTokens / s.key_group * 2 * s.head_dim; ++i) {
      const bool is_scale = i / s.head_dim % 2 == 0;
      ASSERT_LT(half_at(problem.parts(h).key_params, i) & (is_scale ? 0xffff : kMagnitude), kInfinity);
    }
  }
  for (int64_t i = 0; i < kernels::kv_value_groups(s) * kKvPageTokens; ++i) {
    ASSERT_LT(half_at(problem.parts(0).value_scales, i), kInfinity);
  }
}

// Of ordinary size, of subnormals, of the largest, and far from 0.
TEST_P(Seal, ErrorsKeepTheirBounds) {
  for_all([&](SealProblem& problem) {
    for (const auto& [mean, spread] :
         {std::pair{0.0f, 1.0f}, {0.0f, 1e-6f}, {0.0f, 1e-7f}, {0.0f, 4e4f}, {50.0f, 0.5f}}) {
      SCOPED_TRACE(testing::Message() << "normal values of mean " << mean << ", deviation " << spread);
      const auto next = normal(mean, spread);
      problem.fill([&] { return std::clamp(next(), -kernels::kLargestHalf, kernels::kLargestHalf); });
      problem.seal(table);
      ASSERT_NO_FATAL_FAILURE(expect_key_errors(problem));
      ASSERT_NO_FATAL_FAILURE(expect_value_errors(problem));
      ASSERT_NO_FATAL_FAILURE(expect_plain_scales(problem));
    }
  });
}

// What attention depends on. The figures are those of the scheme, 2% above what they were measured to be.
TEST_P(Seal, RelativeErrorsOfNormalKeysAndValues) {
  struct Expected {
    int bits;
    double keys, values;
  };
  for (const Expected e : {Expected{.bits = 8, .keys = 0.0054, .values = 0.0066},
                           {.bits = 4, .keys = 0.0863, .values = 0.1031},
                           {.bits = 3, .keys = 0.1737, .values = 0.1934},
                           {.bits = 2, .keys = 0.3350, .values = 0.3492}}) {
    SealProblem problem({.n_kv_heads = 4, .head_dim = 128, .key_group = 64, .value_group = 128}, e.bits, e.bits);
    problem.fill(normal(0, 1));
    problem.seal(table);
    Errors keys, values;
    for (int64_t h = 0; h < 4; ++h) {
      for (int64_t t = 0; t < kKvPageTokens; ++t) {
        const std::vector<float> key = problem.sealed_key(h, t), value = problem.sealed_value(h, t);
        for (size_t c = 0; c < key.size(); ++c) {
          keys.add(half_to_float(problem.key(h, t)[c]), key[c]);
          values.add(half_to_float(problem.value(h, t)[c]), value[c]);
        }
      }
    }
    EXPECT_LE(keys.rms(), e.keys) << e.bits << " bits";
    EXPECT_LE(values.rms(), e.values) << e.bits << " bits";
  }
}

// Keys are computed lane by lane and are the same to the last bit; sums of values are in another order,
// which may move a scale to the next Half, and with it a code that lies in the middle between two.
TEST_P(Seal, EqualsTheScalarTwin) {
  for_all([&](SealProblem& problem) {
    problem.seal(scalar);
    std::vector<std::vector<float>> expected;
    std::vector<std::vector<std::byte>> key_parts;
    const auto key_part = [&](int64_t h) {
      const auto parts = problem.parts(h);
      return std::vector<std::byte>(parts.key_codes, parts.value_codes);
    };
    for (int64_t h = 0; h < problem.shape.n_kv_heads; ++h) {
      key_parts.push_back(key_part(h));
      for (int64_t t = 0; t < kKvPageTokens; ++t) expected.push_back(problem.sealed_value(h, t));
    }
    problem.clear_page();
    problem.seal(table);
    int64_t n = 0, n_moved = 0;
    for (int64_t h = 0; h < problem.shape.n_kv_heads; ++h) {
      ASSERT_EQ(key_part(h), key_parts[static_cast<size_t>(h)]);
      for (int64_t t = 0; t < kKvPageTokens; ++t) {
        const std::vector<float>& before = expected[static_cast<size_t>(h * kKvPageTokens + t)];
        const std::vector<float> after = problem.sealed_value(h, t);
        for (size_t c = 0; c < before.size(); ++c, ++n) {
          const int64_t group = (h * problem.shape.head_dim + static_cast<int64_t>(c)) / problem.shape.value_group;
          const float step = half_to_float(half_at(problem.parts(h).value_scales, group * kKvPageTokens + t));
          const float off = std::abs(after[c] - before[c]);
          ASSERT_LE(off, 1.01f * step);
          n_moved += off > 0.5f * step ? 1 : 0;
        }
      }
    }
    EXPECT_LE(n_moved, n / 1000);
  });
}

INSTANTIATE_TEST_SUITE_P(Every, Seal, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

}  // namespace
}  // namespace docmind
