// The Walsh-Hadamard transform of every instruction set against its matrix in double precision.
//
// A block of 2^k floats takes k additions for each, so roundings of the block's norm add up k times at most;
// kEpsilon (2^-23) is twice what one operation can be off.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "kernels/edge_memory.h"
#include "kernels/random_matrix.h"

namespace docmind {
namespace {

using kernels::Isa;
using test::EdgeRow;
using Floats = std::vector<float>;

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

double norm_of(const float* x, size_t n) {
  double squares = 0;
  for (size_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  return std::sqrt(squares);
}

double tolerance(const float* x, size_t block) {
  return kEpsilon * (2 + std::log2(static_cast<double>(block))) * norm_of(x, block);
}

class Hadamard : public testing::TestWithParam<Isa> {
 protected:
  Floats random(size_t n) {
    Floats x(n);
    for (float& value : x) value = distribution(generator);
    return x;
  }
  // f(x, block) for blocks of 1 to 1024, alone and several, with rows that are no whole vectors.
  void for_all(const std::function<void(const Floats&, size_t)>& f) {
    for (size_t block = 1; block <= 1024; block *= 2) {
      for (const size_t n_blocks : {1, 3, 5, 16}) {
        SCOPED_TRACE(std::to_string(n_blocks) + " blocks of " + std::to_string(block));
        f(random(block * n_blocks), block);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
  [[nodiscard]] Floats transformed(const kernels::KernelTable& by, const Floats& x, size_t block) const {
    const EdgeRow<float> row(x);
    by.hadamard(row.data(), static_cast<int64_t>(x.size()), static_cast<int64_t>(block));
    return row.values();
  }

  const kernels::KernelTable& table = *kernels::kernel_table(GetParam()).value();
  const kernels::KernelTable& scalar = *kernels::kernel_table(Isa::kScalar).value();
  std::mt19937 generator{29};
  std::normal_distribution<float> distribution;
};

TEST_P(Hadamard, EqualsTheProductWithItsMatrix) {
  for_all([&](const Floats& x, size_t block) {
    const Floats y = transformed(table, x, block);
    for (size_t start = 0; start < x.size(); start += block) {
      for (size_t i = 0; i < block; ++i) {
        double sum = 0;
        for (size_t j = 0; j < block; ++j) sum += (std::popcount(i & j) % 2 == 0 ? 1.0 : -1.0) * x[start + j];
        const double expected = sum / std::sqrt(static_cast<double>(block));
        ASSERT_NEAR(y[start + i], expected, tolerance(x.data() + start, block)) << "at " << start + i;
      }
    }
  });
}

TEST_P(Hadamard, IsItsOwnInverseAndKeepsNorms) {
  for_all([&](const Floats& x, size_t block) {
    const Floats y = transformed(table, x, block), back = transformed(table, y, block);
    for (size_t start = 0; start < x.size(); start += block) {
      const double close = 2 * tolerance(x.data() + start, block);
      ASSERT_NEAR(norm_of(y.data() + start, block), norm_of(x.data() + start, block),
                  close * std::sqrt(static_cast<double>(block)));
      for (size_t i = start; i < start + block; ++i) ASSERT_NEAR(back[i], x[i], close) << "at " << i;
    }
  });
}

TEST_P(Hadamard, EqualsTheScalarTwin) {
  for_all([&](const Floats& x, size_t block) {
    const Floats actual = transformed(table, x, block), expected = transformed(scalar, x, block);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(actual[i], expected[i], tolerance(x.data() + i / block * block, block)) << "at " << i;
    }
  });
}

TEST_P(Hadamard, BlocksOfOneStayAsTheyAre) {
  for (const size_t n : {0, 1, 7, 16, 33, 128}) {
    const Floats x = random(n);
    EXPECT_EQ(transformed(table, x, 1), x);
  }
}

// What the cache needs it for: an outlier is spread over its block, and no other block.
TEST_P(Hadamard, SpreadsOneOverItsBlock) {
  for_all([&](const Floats& zeros, size_t block) {
    Floats x(zeros.size());
    const size_t at = x.size() / 2;
    x[at] = 1;
    const Floats y = transformed(table, x, block);
    const float each = 1 / std::sqrt(static_cast<float>(block));
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(std::abs(y[i]), i / block == at / block ? each : 0.0f) << "at " << i;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Every, Hadamard, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

}  // namespace
}  // namespace docmind
