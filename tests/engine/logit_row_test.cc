// Rows of logits on every instruction set, against double arithmetic.
// SPDX-License-Identifier: Apache-2.0
#include "engine/logit_row.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace docmind::engine {
namespace {

std::vector<float> random_row(size_t n, float deviation, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(5, deviation);
  std::vector<float> row(n);
  for (float& logit : row) logit = normal(random);
  return row;
}

double log_sum_of(const std::vector<float>& row) {
  double sum = 0;
  for (const float logit : row) sum += std::exp(static_cast<double>(logit));
  return std::log(sum);
}

class LogitRows : public testing::TestWithParam<kernels::Isa> {
 protected:
  void SetUp() override {
    const auto found = kernels::kernel_table(GetParam());
    if (!found.ok()) GTEST_SKIP() << found.error().message;
    table_ = *found;
  }
  const kernels::KernelTable* table_ = nullptr;
};

TEST_P(LogitRows, AreThoseOfDoubleArithmetic) {
  for (const size_t n : {1u, 3u, 1'023u, 1'024u, 1'025u, 20'000u, 151'936u}) {
    const std::vector<float> p = random_row(n, 3, 1);
    std::vector<float> q = random_row(n, 0.1f, 2);
    for (size_t i = 0; i < n; ++i) q[i] += p[i];
    const auto p_row = read_logit_row(*table_, p), q_row = read_logit_row(*table_, q);
    ASSERT_TRUE(p_row.ok() && q_row.ok());
    const double zp = log_sum_of(p), zq = log_sum_of(q);
    EXPECT_NEAR(p_row->log_probability(p[n / 2]), static_cast<double>(p[n / 2]) - zp, 3e-7) << n;
    EXPECT_EQ(p[static_cast<size_t>(p_row->top)], p_row->largest);
    double kl = 0;
    for (size_t i = 0; i < n; ++i) {
      const double log_p = static_cast<double>(p[i]) - zp;
      kl += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - zq));
    }
    EXPECT_NEAR(divergence(*table_, p, p_row->largest, q, *q_row), kl, 3e-7) << n;
    EXPECT_LT(divergence(*table_, p, p_row->largest, p, *p_row), 1e-7) << n;
  }
}

TEST_P(LogitRows, FarLogitsAreNothing) {
  std::vector<float> p(5'000, -1e30f), q(5'000, -2e30f);
  p[4'000] = q[4'000] = 1;
  p[1] = 1;
  q[1] = 0;
  const auto p_row = read_logit_row(*table_, p), q_row = read_logit_row(*table_, q);
  ASSERT_TRUE(p_row.ok() && q_row.ok());
  EXPECT_EQ(p_row->top, 1);
  EXPECT_EQ(q_row->top, 4'000);
  // log(1/2) - half of log(e/(e+1)) and of log(1/(e+1))
  const double e = std::exp(1.0);
  EXPECT_NEAR(divergence(*table_, p, p_row->largest, q, *q_row), std::log(0.5) - 0.5 * (1 - 2 * std::log(e + 1)), 1e-6);
}

TEST_P(LogitRows, TheLargestFloatsDoNotOverflow) {
  const float most = std::numeric_limits<float>::max();
  const std::vector<float> p = {most, -most, 0, -most}, q = {-most, -most, most, 0};
  const auto p_row = read_logit_row(*table_, p), q_row = read_logit_row(*table_, q);
  ASSERT_TRUE(p_row.ok() && q_row.ok());
  EXPECT_GT(divergence(*table_, p, p_row->largest, q, *q_row), 1e29);  // q has nothing where p has all
  EXPECT_EQ(divergence(*table_, p, p_row->largest, p, *p_row), 0);
}

TEST_P(LogitRows, WhatIsNoNumberIsNamed) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const size_t place : {0u, 77u, 2'999u}) {
      std::vector<float> row = random_row(3'000, 1, 3);
      row[place] = bad;
      const auto read = read_logit_row(*table_, row);
      ASSERT_FALSE(read.ok());
      EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
      EXPECT_NE(read.error().message.find("token " + std::to_string(place)), std::string::npos) << read.error().message;
    }
  }
  EXPECT_EQ(read_logit_row(*table_, {}).error().code, ErrorCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Isas, LogitRows,
                         testing::Values(kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni,
                                         kernels::Isa::kAvx512Bf16),
                         [](const auto& isa) { return std::string(kernels::isa_name(isa.param)); });

}  // namespace
}  // namespace docmind::engine
