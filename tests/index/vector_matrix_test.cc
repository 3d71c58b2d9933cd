// VectorMatrix: quantisation error, the disk form, damaged rows, integer dot products.
// SPDX-License-Identifier: Apache-2.0
#include "index/vector_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "index/store_samples.h"

namespace docmind::index {
namespace {

using test::must;
using Row = std::vector<float>;

Row decoded(const Row& values) {
  Row out(values.size());
  must(decode_vector(encode_vector(values), out));
  return out;
}

TEST(EncodeVector, IsWithinHalfAStepOfTheValue) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-3, 3);
  for (int round = 0; round < 20; ++round) {
    Row values(50);
    float peak = 0;
    for (float& value : values) {
      value = uniform(random);
      peak = std::max(peak, std::fabs(value));
    }
    const Row back = decoded(values);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(back[i], values[i], peak / 127 / 2 * 1.001f);
    }
  }
  EXPECT_EQ(decoded({1, -1, 0}), (Row{1, -1, 0}));
}

TEST(EncodeVector, HasThePromisedBytes) {
  const std::string bytes = encode_vector(Row{127, -127, 63.5f, 0});
  ASSERT_EQ(bytes.size(), 4u + 4u);
  const unsigned char expected[] = {0, 0, 0x80, 0x3f, 127, 0x81, 64, 0};  // 1.0f little-endian
  EXPECT_EQ(std::memcmp(bytes.data(), expected, sizeof(expected)), 0);
  EXPECT_EQ(encode_vector(Row{}).size(), 4u);
}

TEST(EncodeVector, ARowThatIsNotFiniteBecomesZero) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const float bad : {kInf, -kInf, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_EQ(decoded({1, bad, 2}), (Row{0, 0, 0}));
  }
  EXPECT_EQ(decoded({0, 0, 0}), (Row{0, 0, 0}));
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(decoded({tiny, -tiny, 0}), (Row{0, 0, 0}));
}

TEST(VectorMatrix, KeepsRowsWithTheirIds) {
  VectorMatrix matrix(2);
  matrix.reserve(2);
  must(matrix.append(7, encode_vector(Row{1, 0})));
  must(matrix.append(-3, encode_vector(Row{0, 2})));
  ASSERT_EQ(matrix.n_rows(), 2u);
  EXPECT_EQ(matrix.id(0), 7);
  EXPECT_EQ(matrix.id(1), -3);
  Row row(2);
  matrix.decode(1, row);
  EXPECT_EQ(row, (Row{0, 2}));
  EXPECT_EQ(matrix.codes(0)[0], 127);
}

TEST(VectorMatrix, RefusesADamagedRowAndKeepsTheOthers) {
  VectorMatrix matrix(2);
  must(matrix.append(1, encode_vector(Row{1, 2})));
  const auto with_scale = [](float scale) {
    std::string bytes(6, '\x01');
    std::memcpy(bytes.data(), &scale, sizeof(scale));
    return bytes;
  };
  for (const std::string& bytes :
       {std::string(), std::string(5, 'x'), std::string(7, 'x'), with_scale(-1),
        with_scale(std::numeric_limits<float>::infinity()),
        with_scale(std::numeric_limits<float>::quiet_NaN())}) {
    const Status refused = matrix.append(42, bytes);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kMalformed);
    EXPECT_NE(refused.error().message.find("chunk 42"), std::string::npos);
    Row out(2);
    EXPECT_EQ(decode_vector(bytes, out).error().code, ErrorCode::kMalformed);
  }
  EXPECT_EQ(matrix.n_rows(), 1u);
  must(matrix.append(2, with_scale(1)));
  EXPECT_EQ(matrix.codes(1)[1], 1);
}

// The wide builds of the loop against one addition at a time, over lengths that are no multiple of
// a register.
TEST(DotInt8, AgreesWithOneAdditionAtATime) {
  std::mt19937 random(2);
  std::uniform_int_distribution<int> byte(-128, 127);
  for (const size_t size : {0u, 1u, 7u, 15u, 16u, 31u, 33u, 64u, 191u, 192u, 1'000u}) {
    std::vector<int8_t> a(size);
    std::vector<int8_t> b(size);
    int64_t expected = 0;
    for (size_t i = 0; i < size; ++i) {
      a[i] = static_cast<int8_t>(byte(random));
      b[i] = static_cast<int8_t>(byte(random));
      expected += int64_t{a[i]} * b[i];
    }
    EXPECT_EQ(dot_int8(a, b), expected) << size;
  }
  const std::vector<int8_t> least(100'000, -128);
  EXPECT_EQ(dot_int8(least, least), 128 * 128 * 100'000);
}

TEST(InnerProduct, ScalesBothSidesWithoutOverflow) {
  const Row a = {0.6f, 0.8f};
  const QuantizedQuery query = quantize_query(a);
  EXPECT_NEAR(inner_product(query.scale, query.codes, query.scale, query.codes), 1.0, 0.01);
  const std::vector<int8_t> codes = {127, 127};
  constexpr float kMax = std::numeric_limits<float>::max();
  EXPECT_TRUE(std::isfinite(inner_product(kMax, codes, kMax, codes)));
}

}  // namespace
}  // namespace docmind::index
