// Packing, activations and matrix products: every type, every instruction set, against plain sums.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "kernels/activation_place.h"
#include "kernels/random_matrix.h"

namespace docmind {
namespace {

using kernels::Activations;
using kernels::Isa;
using kernels::KernelTable;
using kernels::TensorType;
using test::RandomActivations;
using test::RandomMatrix;

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

const KernelTable& table(Isa isa) {
  return *kernels::kernel_table(isa).value();
}

AlignedBuffer scratch(int64_t cols) {
  return std::move(AlignedBuffer::allocate(kernels::matmul_scratch_bytes(cols))).value();
}

// What the kernels see of activation (t, c).
double activation(const Activations& x, int64_t t, int64_t c) {
  const kernels::ActivationPlace at(x, t);
  if (!x.quantized) return x.values[at.value(c)];
  return static_cast<double>(x.codes[at.code(c)]) * x.scales[at.block(c / 32)];
}

int64_t block_len(TensorType type) {
  return std::max<int64_t>(kernels::tensor_type_info(type).block_len, kernels::uses_quantized_activations(type) ? 32 : 1);
}

std::string label(Isa isa, TensorType type) {
  return std::string(kernels::isa_name(isa)) + " " + std::string(kernels::tensor_type_info(type).name);
}

TEST(Packing, GivesBackTheRowsOfTheFile) {
  for (const TensorType type : test::all_types()) {
    const RandomMatrix matrix(type, 37, 2 * block_len(type), 7);
    std::vector<float> unpacked(static_cast<size_t>(matrix.cols));
    for (int64_t r = 0; r < matrix.rows; ++r) {
      kernels::unpack_row(matrix.packed, r, unpacked.data());
      ASSERT_EQ(unpacked, matrix.row(r)) << kernels::tensor_type_info(type).name << " row " << r;
    }
  }
}

TEST(Packing, PanelsPackedInPiecesAreTheSame) {
  const RandomMatrix matrix(TensorType::kQ4_K, 100, 512, 3);
  AlignedBuffer pieces = std::move(AlignedBuffer::allocate(matrix.packed_memory.size())).value();
  for (const auto& [begin, end] : {std::pair{4, 7}, {0, 1}, {1, 4}}) {
    kernels::pack_panels(matrix.type, matrix.rows, matrix.cols, matrix.file.data(), begin, end, pieces.data());
  }
  EXPECT_TRUE(std::ranges::equal(pieces.as<std::byte>(), matrix.packed_memory.as<std::byte>()));
}

TEST(Packing, IsAsSmallAsTheFile) {
  for (const TensorType type : test::all_types()) {
    const RandomMatrix matrix(type, 64, 1024, 1);
    EXPECT_LE(static_cast<double>(matrix.packed_memory.size()), 1.0279 * static_cast<double>(matrix.file.size()));
  }
}

// Each code is within half a step of its value, and the sums are those of the codes. Blocks go four
// together, and then one by one.
TEST(LoadActivations, QuantizesBlocksToNearest) {
  constexpr int64_t kLength = 32 * 7;
  for (const Isa isa : test::runnable_isas()) {
    for (const int64_t n_rows : {1, 2, 5, 6, 7, 13}) {
      const RandomActivations x(table(isa), n_rows, kLength, true, 11);
      for (int64_t t = 0; t < n_rows; ++t) {
        const kernels::ActivationPlace at(x.loaded, t);
        for (int64_t b = 0; b < kLength / 32; ++b) {
          const float scale = x.loaded.scales[at.block(b)];
          int sums[2] = {0, 0};
          for (int64_t c = 32 * b; c < 32 * b + 32; ++c) {
            const int code = x.loaded.codes[at.code(c)];
            sums[c % 32 / 16] += code;
            ASSERT_NEAR(code * static_cast<double>(scale), x.x[static_cast<size_t>(t * kLength + c)],
                        scale * (0.5 + 256 * kEpsilon)) << kernels::isa_name(isa);
          }
          ASSERT_EQ(x.loaded.offsets[at.block(b)], -128 * (sums[0] + sums[1]));
          ASSERT_EQ(x.loaded.offsets16[at.half_block(2 * b)], -128 * sums[0]);
          ASSERT_EQ(x.loaded.offsets16[at.half_block(2 * b + 1)], -128 * sums[1]);
          ASSERT_FLOAT_EQ(x.loaded.sums[at.block(b)], scale * static_cast<float>(sums[0] + sums[1]));
        }
      }
    }
  }
}

TEST(LoadActivations, ZerosStayZeros) {
  for (const Isa isa : test::runnable_isas()) {
    RandomActivations x(table(isa), 1, 32, true, 1);
    const std::vector<float> zeros(32, 0.0f);
    table(isa).load_activations(zeros.data(), 32, 0, 1, x.loaded);
    EXPECT_EQ(x.loaded.scales[0], 0.0f);
    EXPECT_EQ(x.loaded.offsets[0], 0);
    for (int i = 0; i < 32; ++i) EXPECT_EQ(x.loaded.codes[i], 0);
  }
}

// Rows may be loaded in any pieces, by several threads.
TEST(LoadActivations, PiecesGiveTheWhole) {
  for (const Isa isa : test::runnable_isas()) {
    for (const bool quantized : {false, true}) {
      const RandomActivations whole(table(isa), 20, 64, quantized, 5);
      RandomActivations pieces(table(isa), 20, 64, quantized, 6);
      for (const auto& [row, n] : {std::pair<int64_t, int64_t>{13, 7}, {0, 6}, {6, 7}}) {
        table(isa).load_activations(whole.x.data() + row * 64, 64, row, n, pieces.loaded);
      }
      EXPECT_TRUE(std::ranges::equal(whole.memory.as<std::byte>(), pieces.memory.as<std::byte>()))
          << kernels::isa_name(isa) << quantized;
    }
  }
}

// |sum computed in floats - exact sum| <= (n + 8) * eps * sum |terms|: n additions, and a few
// roundings of scales and products a term. Integers are exact.
void expect_products(Isa isa, const RandomMatrix& matrix, const RandomActivations& x, bool with_bias = false) {
  std::vector<float> bias(static_cast<size_t>(matrix.rows));
  for (size_t r = 0; r < bias.size(); ++r) bias[r] = static_cast<float>(r % 7) - 3.5f;
  kernels::PackedMatrix packed = matrix.packed;
  if (with_bias) packed.bias = bias.data();
  const RandomMatrix& w = matrix;
  const int64_t n_rows = x.loaded.n_rows;
  const int64_t stride = w.rows + 3;
  std::vector<float> y(static_cast<size_t>(n_rows * stride), -7.0f);
  const AlignedBuffer memory = scratch(w.cols);
  const int64_t middle = w.packed.n_panels() / 2;
  table(isa).matmul(packed, x.loaded, middle, packed.n_panels(), y.data(), stride, memory.data());
  table(isa).matmul(packed, x.loaded, 0, middle, y.data(), stride, memory.data());
  for (int64_t r = 0; r < w.rows; ++r) {
    const std::vector<float> row = w.row(r);
    for (int64_t t = 0; t < n_rows; ++t) {
      double exact = with_bias ? bias[static_cast<size_t>(r)] : 0, magnitude = std::fabs(exact);
      for (int64_t c = 0; c < w.cols; ++c) {
        const double term = row[static_cast<size_t>(c)] * activation(x.loaded, t, c);
        exact += term;
        // Types with a minimum subtract it apart: its terms count although they may cancel.
        magnitude += std::fabs(term) + (w.type == TensorType::kQ4_K || w.type == TensorType::kQ5_K
                                            ? 2 * std::fabs(activation(x.loaded, t, c)) : 0);
      }
      const double tolerance = static_cast<double>(w.cols + 8) * kEpsilon * magnitude;
      ASSERT_NEAR(y[static_cast<size_t>(t * stride + r)], exact, tolerance)
          << label(isa, w.type) << " [" << w.rows << ", " << w.cols << "] row " << r << " of " << n_rows << " t " << t;
    }
  }
  for (int64_t t = 0; t < n_rows; ++t) {
    for (int64_t r = w.rows; r < stride; ++r) {
      ASSERT_EQ(y[static_cast<size_t>(t * stride + r)], -7.0f) << label(isa, w.type) << " wrote past row " << w.rows;
    }
  }
}

TEST(Matmul, EqualsTheExactSumsForEveryTypeIsaAndBatch) {
  for (const TensorType type : test::all_types()) {
    for (const int64_t rows : {1, 16, 45, 64}) {
      const RandomMatrix w(type, rows, 2 * std::max<int64_t>(block_len(type), 32), static_cast<uint32_t>(rows));
      for (const Isa isa : test::runnable_isas()) {
        for (const int64_t n_rows : {1, 2, 3, 4, 5, 6, 7, 9, 12, 17, 31, 53}) {
          const RandomActivations x(table(isa), n_rows, w.cols, kernels::uses_quantized_activations(type), 9);
          expect_products(isa, w, x);
          expect_products(isa, w, x, true);
        }
      }
    }
  }
}

// To the last bit: what else is in a batch does not change a row's result.
void expect_rows_alone(Isa isa, const RandomMatrix& w, int64_t n_rows) {
  const bool quantized = kernels::uses_quantized_activations(w.type);
  const RandomActivations all(table(isa), n_rows, w.cols, quantized, 5);
  RandomActivations one(table(isa), 1, w.cols, quantized, 1);
  const AlignedBuffer memory = scratch(w.cols);
  std::vector<float> y(static_cast<size_t>(n_rows * w.rows)), alone(static_cast<size_t>(w.rows));
  table(isa).matmul(w.packed, all.loaded, 0, w.packed.n_panels(), y.data(), w.rows, memory.data());
  for (int64_t t = 0; t < n_rows; ++t) {
    table(isa).load_activations(all.x.data() + t * w.cols, w.cols, 0, 1, one.loaded);
    table(isa).matmul(w.packed, one.loaded, 0, w.packed.n_panels(), alone.data(), w.rows, memory.data());
    ASSERT_TRUE(std::ranges::equal(alone, std::span(y).subspan(static_cast<size_t>(t * w.rows), alone.size())))
        << label(isa, w.type) << " [" << w.rows << ", " << w.cols << "] row " << t << " of " << n_rows;
  }
}

TEST(Matmul, ARowDoesNotDependOnItsBatch) {
  for (const TensorType type : test::all_types()) {
    for (const int64_t rows : {7, 16, 45, 64, 112}) {
      const RandomMatrix w(type, rows, std::max<int64_t>(2 * block_len(type), 160), static_cast<uint32_t>(rows));
      for (const Isa isa : test::runnable_isas()) {
        for (const int64_t n_rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 29, 48, 49, 54}) {
          expect_rows_alone(isa, w, n_rows);
        }
      }
    }
  }
}

// Float matrices need no block length: stories260K has rows of 172.
TEST(Matmul, FloatsOfAnyLength) {
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    for (const int64_t cols : {1, 3, 8, 172}) {
      const RandomMatrix w(type, 21, cols, 4);
      for (const Isa isa : test::runnable_isas()) {
        for (const int64_t n_rows : {1, 4, 8}) expect_products(isa, w, RandomActivations(table(isa), n_rows, cols, false, 2));
      }
    }
  }
}

// The widest codes against the widest activations: nothing may saturate.
TEST(Matmul, ExtremeCodesDoNotSaturate) {
  for (const TensorType type : test::all_types()) {
    if (!kernels::uses_quantized_activations(type)) continue;
    for (const int byte : {0x00, 0x7f, 0x80, 0x81, 0xff}) {
      RandomMatrix w(type, 16, 256, 1);
      const kernels::TensorTypeInfo info = kernels::tensor_type_info(type);
      for (size_t at = 0; at < w.file.size(); ++at) {
        const size_t in_block = at % info.block_bytes;
        const bool is_scale = type == TensorType::kQ6_K ? in_block >= 192 : in_block < (info.block_len == 256 ? 16 : 2);
        if (!is_scale) w.file[at] = static_cast<std::byte>(byte);
      }
      kernels::pack_panels(type, w.rows, w.cols, w.file.data(), 0, 1, w.packed_memory.data());
      for (const Isa isa : test::runnable_isas()) {
        for (const float sign : {1.0f, -1.0f}) {
          for (const int64_t n_rows : {1, 8, 53}) {
            RandomActivations x(table(isa), n_rows, 256, true, 1);
            std::ranges::fill(x.x, sign);
            table(isa).load_activations(x.x.data(), 256, 0, n_rows, x.loaded);
            expect_products(isa, w, x);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace docmind
