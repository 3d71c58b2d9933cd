// What sealing must leave alone: the rest of the page, and what lies beside outliers and broken numbers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "kernels/random_matrix.h"
#include "kernels/seal_problem.h"

namespace docmind {
namespace {

using kernels::Half;
using kernels::KvPageShape;
using kernels::half_to_float;
using kernels::kKvPageTokens;
using test::SealProblem;
using SealLimits = test::SealTest;

TEST_P(SealLimits, RangesOfHeadsEqualOneCall) {
  for_all([&](SealProblem& problem) {
    problem.seal(table);
    const std::vector<std::byte> at_once = problem.page_copy();
    problem.clear_page();
    const int64_t together = kernels::kv_seal_heads(problem.shape);
    for (int64_t h = problem.shape.n_kv_heads - together; h >= 0; h -= together) problem.seal(table, h, h + together);
    ASSERT_EQ(problem.page_copy(), at_once);
  });
}

// Every byte of the heads that are sealed is written, and no other.
TEST_P(SealLimits, WritesItsPartOfThePageAlone) {
  for_all([&](SealProblem& problem) {
    const KvPageShape& s = problem.shape;
    const int64_t begin = s.n_kv_heads / 2 / kernels::kv_seal_heads(s) * kernels::kv_seal_heads(s);
    const std::vector<std::byte> before = problem.page_copy();
    std::vector<bool> may_change(before.size());
    const auto allow = [&](const std::byte* from, int64_t n) {
      const int64_t at = from - problem.page.as<std::byte>();
      std::fill_n(may_change.begin() + at, n, true);
    };
    for (int64_t h = begin; h < s.n_kv_heads; ++h) {
      allow(problem.parts(h).key_codes, kernels::kv_head_bytes(s, problem.key_bits, problem.value_bits));
    }
    const int64_t first_group = begin * s.head_dim / s.value_group;
    const int64_t scales = (kernels::kv_value_groups(s) - first_group) * kKvPageTokens * 2;
    allow(problem.parts(0).value_scales + first_group * kKvPageTokens * 2, scales);
    problem.seal(table, begin, s.n_kv_heads);
    const std::vector<std::byte> after = problem.page_copy();
    for (size_t i = 0; i < before.size(); ++i) {
      ASSERT_TRUE(may_change[i] || after[i] == before[i]) << "byte " << i << " of " << before.size();
    }
    // A second time over other bytes, so that one which was left as it was shows.
    std::fill_n(problem.page.as<std::byte>() + kernels::kv_page_header_bytes(2),
                problem.page_bytes - static_cast<size_t>(kernels::kv_page_header_bytes(2)), std::byte{0x5a});
    problem.seal(table, begin, s.n_kv_heads);
    const std::vector<std::byte> again = problem.page_copy();
    for (size_t i = 0; i < before.size(); ++i) {
      if (may_change[i]) {
        ASSERT_EQ(again[i], after[i]) << "byte " << i << " of " << before.size();
      }
    }
  });
}

TEST_P(SealLimits, ConstantChannelsAndTokensOfZerosAreExact) {
  for_all([&](SealProblem& problem) {
    const KvPageShape& s = problem.shape;
    for (int64_t h = 0; h < s.n_kv_heads; ++h) {
      for (int64_t t = 1; t < kKvPageTokens; ++t) std::copy_n(problem.key(h, 0), s.head_dim, problem.key(h, t));
      std::fill_n(problem.value(h, 5), s.head_dim, Half{0});
    }
    problem.seal(table);
    for (int64_t h = 0; h < s.n_kv_heads; ++h) {
      for (int64_t t = 0; t < kKvPageTokens; ++t) {
        const std::vector<float> key = problem.sealed_key(h, t);
        for (size_t c = 0; c < key.size(); ++c) ASSERT_EQ(key[c], half_to_float(problem.key(h, t)[c]));
      }
      for (const float value : problem.sealed_value(h, 5)) ASSERT_EQ(value, 0);
    }
  });
}

// One channel's keys and one token's values of head 0 are replaced by `other`; what else was sealed stays
// the same to the last bit, and the rest is finite.
void expect_local(const kernels::KernelTable& table, SealProblem& problem, const std::vector<Half>& other) {
  const int64_t channel = problem.shape.head_dim / 2 + 1, token = 37, heads = problem.shape.n_kv_heads;
  problem.seal(table);
  std::vector<std::vector<float>> keys, values;
  for (int64_t i = 0; i < heads * kKvPageTokens; ++i) {
    keys.push_back(problem.sealed_key(i / kKvPageTokens, i % kKvPageTokens));
    values.push_back(problem.sealed_value(i / kKvPageTokens, i % kKvPageTokens));
  }
  for (size_t i = 0; i < other.size(); ++i) {
    problem.key(0, 32 + static_cast<int64_t>(i))[channel] = other[i];
    problem.value(0, token)[i] = other[i];
  }
  problem.seal(table);
  for (int64_t i = 0; i < heads * kKvPageTokens; ++i) {
    const int64_t h = i / kKvPageTokens, t = i % kKvPageTokens;
    std::vector<float> key = problem.sealed_key(h, t);
    const std::vector<float> value = problem.sealed_value(h, t);
    const bool same_group = h == 0 && t / problem.shape.key_group == 32 / problem.shape.key_group;
    for (const float x : key) ASSERT_TRUE(std::isfinite(x));
    for (const float x : value) ASSERT_TRUE(std::isfinite(x));
    if (same_group) key[static_cast<size_t>(channel)] = keys[static_cast<size_t>(i)][static_cast<size_t>(channel)];
    ASSERT_EQ(key, keys[static_cast<size_t>(i)]) << "head " << h << ", token " << t;
    if (t == token) continue;
    ASSERT_EQ(value, values[static_cast<size_t>(i)]) << "head " << h << ", token " << t;
  }
}

TEST_P(SealLimits, OutliersHarmTheirOwnChannelAndTokenAlone) {
  const std::vector<Half> outliers = {kernels::float_to_half(3e4f), kernels::float_to_half(-6e4f)};
  for_all([&](SealProblem& problem) { ASSERT_NO_FATAL_FAILURE(expect_local(table, problem, outliers)); });
}

TEST_P(SealLimits, WhatIsNoNumberHarmsItsOwnChannelAndTokenAlone) {
  const Half nan = 0x7e00, negative_nan = 0xfd01, infinity = 0x7c00, negative_infinity = 0xfc00;
  for (const std::vector<Half>& other :
       {std::vector{nan}, {infinity}, {negative_infinity}, {nan, negative_nan, infinity, negative_infinity}}) {
    for_all([&](SealProblem& problem) { ASSERT_NO_FATAL_FAILURE(expect_local(table, problem, other)); });
  }
}

TEST_P(SealLimits, NanCountsAsZero) {
  for_all([&](SealProblem& problem) {
    problem.key(0, 3)[1] = problem.value(0, 3)[1] = 0;
    problem.seal(table);
    const std::vector<std::byte> expected = problem.page_copy();
    problem.key(0, 3)[1] = problem.value(0, 3)[1] = 0x7e00;
    problem.clear_page();
    problem.seal(table);
    ASSERT_EQ(problem.page_copy(), expected);
  });
}

INSTANTIATE_TEST_SUITE_P(Every, SealLimits, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

}  // namespace
}  // namespace docmind
