// Our blocks beside those of llama.cpp's quantizer: never a larger squared error, with importance or without.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <gtest/gtest.h>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"
#include "parity/ggml_quantizer.h"
#include "parity/weight_matrices.h"

namespace docmind::test {
namespace {

using kernels::TensorType;

// How much larger a ratio of errors may be by chance.
constexpr double kNoise = 1e-3;

class QuantizeParity : public testing::TestWithParam<TensorType> {
 protected:
  void SetUp() override {
    if (!peer_.usable()) GTEST_SKIP() << "llama.cpp's quantizer is not installed: " << peer_.error();
  }

  void expect_no_worse(const WeightMatrix& matrix) {
    const kernels::KernelTable& table = *kernels::kernel_table(kernels::best_isa()).value();
    const auto scratch = std::move(AlignedBuffer::allocate(kernels::quantize_scratch_bytes(matrix.cols))).value();
    const TensorType type = GetParam();
    for (const bool weighted : {false, true}) {
      const float* importance = weighted ? matrix.importance.data() : nullptr;
      std::vector<std::byte> ours, peers;
      ours.resize(row_bytes(kernels::tensor_type_info(type), matrix.cols) * static_cast<size_t>(matrix.n_rows));
      ASSERT_TRUE(table.quantize_rows({.type = type, .x = matrix.x.data(), .n_rows = matrix.n_rows,
                                       .cols = matrix.cols, .importance = importance, .out = ours.data()},
                                      scratch.as<std::byte>().data()));
      peer_.quantize(type, matrix.x.data(), matrix.n_rows, matrix.cols, importance, peers);
      ASSERT_EQ(ours.size(), peers.size());
      const double ratio = squared_error(matrix, type, ours, weighted) / squared_error(matrix, type, peers, weighted);
      EXPECT_LE(ratio, 1 + kNoise) << matrix.name << (weighted ? " with importance" : "");
      EXPECT_GE(ratio, 0.3) << matrix.name << ": the peer's blocks are not what they should be";
    }
  }

 private:
  GgmlQuantizer peer_;
};

TEST_P(QuantizeParity, RandomMatricesHaveNoLargerError) {
  for (const WeightMatrix& matrix : random_weight_matrices(48, 768)) expect_no_worse(matrix);
}

TEST_P(QuantizeParity, TrainedWeightsHaveNoLargerError) {
  const std::string stories = DOCMIND_SOURCE_DIR "/../shared/data/models/stories260K.gguf";
  if (!std::filesystem::exists(stories)) GTEST_SKIP() << "'" << stories << "' is not shipped with the project";
  expect_no_worse(weights_of_file(stories));
}

INSTANTIATE_TEST_SUITE_P(All, QuantizeParity,
                         testing::Values(TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K,
                                         TensorType::kQ6_K),
                         [](const auto& type) { return std::string(kernels::tensor_type_info(type.param).name); });

}  // namespace
}  // namespace docmind::test
