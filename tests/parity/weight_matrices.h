// Matrices that quantizers are compared on: structured random ones and the tensors of a trained model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tensor_type.h"

namespace docmind::test {

struct WeightMatrix {
  std::string name;
  int64_t n_rows = 0;
  int64_t cols = 256;
  std::vector<float> x;           // [n_rows, cols]
  std::vector<float> importance;  // [cols], of activations with some columns much larger than others
};

// Gaussian, heavy-tailed, with outlier columns, and with scales that change smoothly along rows and columns.
[[nodiscard]] std::vector<WeightMatrix> random_weight_matrices(int64_t n_rows, int64_t cols);
// The matrices of a GGUF file of floats or blocks, one after another, as rows of 256 columns.
[[nodiscard]] WeightMatrix weights_of_file(const std::string& path);

// The sum over all elements of importance * (x - what the blocks hold)^2; of (..)^2 without importance.
[[nodiscard]] double squared_error(const WeightMatrix& matrix, kernels::TensorType type,
                                   const std::vector<std::byte>& blocks, bool with_importance);

}  // namespace docmind::test
