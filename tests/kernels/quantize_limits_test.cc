// quantize_rows at the limits of what a type holds, and the types that only convert.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "kernels/half.h"
#include "kernels/quantize_problem.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Quantized;
using test::quantize;
using Floats = std::vector<float>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargestHalf = 65504;

bool fits(const kernels::KernelTable& table, TensorType type, float value, size_t at, size_t n = 512) {
  Floats x(n, 0.25f);
  x[at] = value;
  return quantize(table, type, x, static_cast<int64_t>(n)).ok;
}

class QuantizeLimits : public testing::TestWithParam<kernels::Isa> {
 protected:
  const kernels::KernelTable& table = *kernels::kernel_table(GetParam()).value();
};

TEST_P(QuantizeLimits, WhatIsNotFiniteIsRefusedWhereverItIs) {
  for (const TensorType type : test::all_types()) {
    EXPECT_TRUE(fits(table, type, 1.0f, 0));
    for (const float value : {kInfinity, -kInfinity, kNaN, -kNaN}) {
      for (const size_t at : {0, 1, 15, 16, 255, 256, 500, 511}) {
        EXPECT_FALSE(fits(table, type, value, at)) << kernels::tensor_type_info(type).name << " at " << at;
      }
    }
  }
}

TEST_P(QuantizeLimits, WhatIsTooLargeIsRefused) {
  const std::pair<TensorType, float> largest[] = {
      {TensorType::kF32, std::numeric_limits<float>::max()}, {TensorType::kBF16, 0x1.fep127f},
      {TensorType::kF16, kLargestHalf},                      {TensorType::kQ8_0, kLargestHalf * 127},
      {TensorType::kQ4_0, kLargestHalf * 8},                 {TensorType::kQ4_K, kLargestHalf * 63 * 14},
      {TensorType::kQ5_K, kLargestHalf * 63 * 30},           {TensorType::kQ6_K, kLargestHalf * 127 * 30}};
  for (const auto& [type, value] : largest) {
    EXPECT_TRUE(fits(table, type, value, 77)) << kernels::tensor_type_info(type).name;
    if (type == TensorType::kF32) continue;
    EXPECT_FALSE(fits(table, type, value * 1.2f, 77)) << kernels::tensor_type_info(type).name;
    EXPECT_FALSE(fits(table, type, -3e38f * 1.133f, 300)) << kernels::tensor_type_info(type).name;
  }
  EXPECT_FALSE(fits(table, TensorType::kF16, 65520.0f, 3));  // would round to infinity
  EXPECT_TRUE(fits(table, TensorType::kF16, 65519.0f, 3));
  EXPECT_FALSE(fits(table, TensorType::kF16, -65520.0f, 3));
}

// Every lane of the conversions, with odd ends of rows.
TEST_P(QuantizeLimits, FloatTypesRoundToNearestEven) {
  const Floats some = {0.0f,     -0.0f,      1.0f,      0x1.002p0f, 0x1.006p0f, -0x1.003p0f,
                       6.1e-5f,  0x1p-25f,   0x1.8p-25f, -3e-6f,    65519.0f,   1e-30f,
                       0.333333f, 0x1.01p0f, 0x1.03p0f, 123.456f};
  for (size_t n = 1; n <= 40; ++n) {
    Floats x(n);
    for (size_t i = 0; i < n; ++i) x[i] = some[i % some.size()];
    const Quantized floats = quantize(table, TensorType::kF32, x, static_cast<int64_t>(n));
    const Quantized halves = quantize(table, TensorType::kF16, x, static_cast<int64_t>(n));
    const Quantized brains = quantize(table, TensorType::kBF16, x, static_cast<int64_t>(n));
    ASSERT_TRUE(floats.ok && halves.ok && brains.ok);
    EXPECT_EQ(std::memcmp(floats.blocks.data(), x.data(), 4 * n), 0);
    for (size_t i = 0; i < n; ++i) {
      uint16_t half = 0, brain = 0;
      std::memcpy(&half, halves.blocks.data() + 2 * i, 2);
      std::memcpy(&brain, brains.blocks.data() + 2 * i, 2);
      EXPECT_EQ(half, kernels::float_to_half(x[i])) << x[i];
      const float back = kernels::bfloat16_to_float(brain);
      const float below = kernels::bfloat16_to_float(static_cast<uint16_t>(brain - 1));
      const float above = kernels::bfloat16_to_float(static_cast<uint16_t>(brain + 1));
      EXPECT_LE(std::abs(back - x[i]), std::abs(above - x[i])) << x[i];
      EXPECT_TRUE(x[i] == 0 || std::abs(back - x[i]) <= std::abs(below - x[i])) << x[i];
    }
  }
  // Halfway: to the even one.
  const Quantized halfway = quantize(table, TensorType::kBF16, {0x1.01p0f, 0x1.03p0f}, 2);
  const std::vector<std::byte> even = {std::byte{0x80}, std::byte{0x3f}, std::byte{0x82}, std::byte{0x3f}};
  EXPECT_EQ(halfway.blocks, even);
}

INSTANTIATE_TEST_SUITE_P(All, QuantizeLimits, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& isa) { return std::string(kernels::isa_name(isa.param)); });

}  // namespace
}  // namespace docmind
