// quantize_rows: errors against their bounds, what is exact, what importance changes, and that every instruction
// set writes the same bytes.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "kernels/half.h"
#include "kernels/quantize_problem.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Quantized;
using test::dequantize;
using test::kBlockTypes;
using test::quantize;
using Floats = std::vector<float>;

std::string name_of(TensorType type) { return std::string(kernels::tensor_type_info(type).name); }

Floats normal(size_t n, uint32_t seed, float spread = 0.02f, float mean = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(mean, spread);
  Floats x(n);
  for (float& element : x) element = value(random);
  return x;
}

Floats random_importance(size_t cols, uint32_t seed) {
  Floats importance = normal(cols, seed, 1.5f);
  for (float& weight : importance) weight = std::exp(weight);
  return importance;
}

// Rows that differ in kind: Gaussian, with outliers, zeros, constant, positive, negative, subnormal, huge.
Floats all_kinds(size_t n_rows, size_t cols, uint32_t seed) {
  Floats x = normal(n_rows * cols, seed, 1);
  for (size_t i = 0; i < x.size(); ++i) {
    switch ((i / cols + seed) % 8) {
      case 1: x[i] *= i % 37 == 5 ? 50.0f : 1.0f; break;
      case 2: x[i] = 0; break;
      case 3: x[i] = -0.37f; break;
      case 4: x[i] = 3 + 0.1f * x[i]; break;
      case 5: x[i] = -std::abs(x[i]); break;
      case 6: x[i] *= 1e-6f; break;
      case 7: x[i] *= 1e5f; break;
      default: break;
    }
  }
  return x;
}

double squared_error(const Floats& a, const Floats& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return sum;
}

double relative_error(TensorType type, const Floats& x, int64_t cols, const Floats& importance = {}) {
  const Quantized quantized = quantize(type, x, cols, importance);
  EXPECT_TRUE(quantized.ok) << name_of(type);
  const Floats zeros(x.size());
  return std::sqrt(squared_error(x, dequantize(type, quantized.blocks, x.size())) / squared_error(x, zeros));
}

TEST(QuantizeRows, EveryInstructionSetWritesTheSameBytes) {
  const kernels::KernelTable& scalar = *kernels::kernel_table(kernels::Isa::kScalar).value();
  for (const TensorType type : kBlockTypes) {
    const auto block = static_cast<size_t>(kernels::tensor_type_info(type).block_len);
    for (const auto& [n_rows, n_blocks] : {std::pair<size_t, size_t>{1, 1}, {8, 1}, {3, 3}, {9, 2}}) {
      const size_t cols = n_blocks * block;
      const Floats x = all_kinds(n_rows, cols, static_cast<uint32_t>(n_rows));
      for (const Floats& importance : {Floats{}, random_importance(cols, 3)}) {
        const Quantized expected = quantize(scalar, type, x, static_cast<int64_t>(cols), importance);
        EXPECT_TRUE(expected.ok) << name_of(type);
        for (const kernels::Isa isa : test::runnable_isas()) {
          const kernels::KernelTable& table = *kernels::kernel_table(isa).value();
          EXPECT_EQ(quantize(table, type, x, static_cast<int64_t>(cols), importance), expected)
              << name_of(type) << ", " << kernels::isa_name(isa) << ", " << n_rows << " rows of " << cols;
        }
      }
    }
  }
}

// So that threads may split a tensor anywhere.
TEST(QuantizeRows, RowsDoNotDependOnTheirNeighbours) {
  constexpr size_t kRows = 8, kCols = 768;
  const Floats x = all_kinds(kRows, kCols, 2);
  for (const TensorType type : kBlockTypes) {
    for (const Floats& importance : {Floats{}, random_importance(kCols, 4)}) {
      const Quantized all = quantize(type, x, kCols, importance);
      std::vector<std::byte> one_by_one;
      for (size_t r = 0; r < kRows; ++r) {
        const auto begin = x.begin() + static_cast<ptrdiff_t>(r * kCols);
        const Quantized row = quantize(type, Floats(begin, begin + kCols), kCols, importance);
        one_by_one.insert(one_by_one.end(), row.blocks.begin(), row.blocks.end());
      }
      EXPECT_TRUE(all.blocks == one_by_one) << name_of(type);
    }
  }
}

// Of Gaussian values, relative to them: what the codes' steps allow, within a few hundredths.
TEST(QuantizeRows, ErrorsAreWithinWhatTheTypesAllow) {
  constexpr size_t kCols = 1024, kRows = 16;
  const std::pair<TensorType, double> bounds[] = {{TensorType::kQ8_0, 0.0050}, {TensorType::kQ4_0, 0.085},
                                                  {TensorType::kQ4_K, 0.0705}, {TensorType::kQ5_K, 0.0345},
                                                  {TensorType::kQ6_K, 0.0170}};
  for (const float spread : {1e-3f, 0.02f, 1000.0f}) {
    const Floats x = normal(kCols * kRows, 5, spread);
    for (const auto& [type, bound] : bounds) {
      const double error = relative_error(type, x, kCols);
      EXPECT_LE(error, bound) << name_of(type) << " at " << spread;
      EXPECT_GE(error, bound / 2) << name_of(type) << " at " << spread << ": no such codes exist";
    }
  }
}

// Of blocks of random bits that reach both ends of their codes and the largest scales.
template <typename Block>
double error_of_full_blocks(TensorType type, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> blocks(16 * sizeof(Block));
  for (std::byte& bits : blocks) bits = static_cast<std::byte>(random());
  for (size_t b = 0; b < 16; ++b) {
    Block block;
    std::memcpy(&block, blocks.data() + b * sizeof block, sizeof block);
    block.d = static_cast<kernels::Half>(0x2000u + random() % 0x400u);
    if constexpr (requires { block.dmin; }) {
      block.dmin = static_cast<kernels::Half>(0x2800u + random() % 0x400u);
      block.scales[0] |= 63;  // the largest scale and min
      block.scales[5] |= 63;
      for (int i = 0; i < 4; ++i) block.qs[32 * i] = 0, block.qs[32 * i + 1] = 0xff;
      if constexpr (requires { block.qh; }) block.qh[0] = 0, block.qh[1] = 0xff;
    } else if constexpr (std::is_same_v<Block, kernels::BlockQ8_0>) {
      for (int8_t& q : block.qs) q = std::max<int8_t>(q, -127);
      block.qs[3] = 127;
    } else {
      block.qs[0] = 0xf0;  // codes -8 and 7
    }
    std::memcpy(blocks.data() + b * sizeof block, &block, sizeof block);
  }
  const Floats x = dequantize(type, blocks, 16 * static_cast<size_t>(Block::kLen));
  return squared_error(x, dequantize(type, quantize(type, x, Block::kLen).blocks, x.size()));
}

TEST(QuantizeRows, BlocksWithAllTheirCodesComeBackExactly) {
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    EXPECT_EQ(error_of_full_blocks<kernels::BlockQ8_0>(TensorType::kQ8_0, seed), 0);
    EXPECT_EQ(error_of_full_blocks<kernels::BlockQ4_0>(TensorType::kQ4_0, seed), 0);
    EXPECT_EQ(error_of_full_blocks<kernels::BlockQ4_K>(TensorType::kQ4_K, seed), 0);
    EXPECT_EQ(error_of_full_blocks<kernels::BlockQ5_K>(TensorType::kQ5_K, seed), 0);
  }
}

TEST(QuantizeRows, ZerosStayZerosBesideOtherValues) {
  Floats x = normal(1024, 12, 1);
  for (size_t i = 0; i < x.size(); ++i) x[i] *= i / 32 % 3 == 1 ? 0.0f : 1.0f;
  for (const TensorType type : kBlockTypes) {
    const Floats back = dequantize(type, quantize(type, x, 512).blocks, x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const float expected_zero = x[i] == 0 ? back[i] : 0;
      ASSERT_EQ(expected_zero, 0) << name_of(type) << " at " << i;
    }
  }
}

TEST(QuantizeRows, ZerosStayZeros) {
  for (const TensorType type : kBlockTypes) {
    const Quantized quantized = quantize(type, Floats(512), 512, Floats(512, 1.0f));
    ASSERT_TRUE(quantized.ok);
    EXPECT_EQ(dequantize(type, quantized.blocks, 512), Floats(512)) << name_of(type);
  }
}

// Where a Half has few bits left: off by no more than the smallest step, times the reach of a rounded scale.
TEST(QuantizeRows, TinyValuesAreNotLost) {
  for (const TensorType type : kBlockTypes) {
    for (const float spread : {1e-4f, 1e-5f, 1e-6f, 3e-7f}) {
      const Floats x = normal(512, 6, spread);
      const Quantized quantized = quantize(type, x, 512);
      ASSERT_TRUE(quantized.ok);
      const Floats back = dequantize(type, quantized.blocks, 512);
      const double rms = std::sqrt(squared_error(x, back) / 512);
      EXPECT_LE(rms, 0x1p-24 + 0.09 * static_cast<double>(spread)) << name_of(type) << " at " << spread;
    }
  }
}

// Without a value at or below 0, types with mins use them the other way round.
TEST(QuantizeRows, ValuesFarFromZeroUseTheirOwnRange) {
  const Floats x = normal(1024, 7, 0.1f, 10);
  for (const TensorType type : {TensorType::kQ4_K, TensorType::kQ5_K}) {
    EXPECT_LE(relative_error(type, x, 1024), 0.002) << name_of(type);
  }
}

TEST(QuantizeRows, ImportantColumnsHaveSmallerErrors) {
  constexpr size_t kCols = 512, kRows = 16;
  const Floats x = normal(kCols * kRows, 9);
  Floats importance(kCols, 1.0f);
  for (size_t c = 0; c < kCols; c += 7) importance[c] = 100;
  const auto errors = [&](TensorType type, const Floats& weights) {
    const Floats back = dequantize(type, quantize(type, x, kCols, weights).blocks, x.size());
    std::pair<double, double> sums;  // of the important columns, and of all with their importance
    for (size_t i = 0; i < x.size(); ++i) {
      const double square = std::pow(static_cast<double>(x[i]) - back[i], 2);
      if (importance[i % kCols] > 1) sums.first += square;
      sums.second += square * importance[i % kCols];
    }
    return sums;
  };
  for (const TensorType type : kBlockTypes) {
    const auto plain = errors(type, {}), weighted = errors(type, importance);
    EXPECT_LT(weighted.first, 0.8 * plain.first) << name_of(type);
    EXPECT_LT(weighted.second, 0.9 * plain.second) << name_of(type);
  }
}

TEST(QuantizeRows, ImportanceMayBeZeroAndOfAnySize) {
  const Floats x = normal(512, 10);
  Floats halves(512);
  std::fill(halves.begin() + 256, halves.end(), 1e30f);
  for (const TensorType type : kBlockTypes) {
    const double plain = relative_error(type, x, 512);
    EXPECT_LE(relative_error(type, x, 512, Floats(512)), 1.1 * plain) << name_of(type);
    EXPECT_LE(relative_error(type, x, 512, Floats(512, 1e-38f)), 1.1 * plain) << name_of(type);
    EXPECT_LE(relative_error(type, x, 512, halves), 1.1 * plain) << name_of(type);
  }
}

}  // namespace
}  // namespace docmind
