// Matrices that quantizers are compared on.
// SPDX-License-Identifier: Apache-2.0
#include "parity/weight_matrices.h"

#include <cmath>
#include <random>

#include "gguf/file.h"
#include "kernels/kernels.h"

namespace docmind::test {
namespace {

std::vector<float> random_importance(int64_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  std::lognormal_distribution<float> value(0.0f, 1.5f);
  std::vector<float> importance(static_cast<size_t>(cols));
  for (float& x : importance) x = value(random);
  return importance;
}

// element(row, column) of each element in turn.
template <typename Element>
WeightMatrix make(std::string name, int64_t n_rows, int64_t cols, Element element) {
  WeightMatrix matrix{std::move(name), n_rows, cols, {}, random_importance(cols, 11)};
  matrix.x.reserve(static_cast<size_t>(n_rows * cols));
  for (int64_t r = 0; r < n_rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) matrix.x.push_back(element(r, c));
  }
  return matrix;
}

}  // namespace

std::vector<WeightMatrix> random_weight_matrices(int64_t n_rows, int64_t cols) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::student_t_distribution<float> heavy(4.0f);
  std::vector<WeightMatrix> all;
  all.push_back(make("Gaussian", n_rows, cols, [&](int64_t, int64_t) { return normal(random); }));
  all.push_back(make("heavy tails", n_rows, cols, [&](int64_t, int64_t) { return 0.02f * heavy(random); }));
  all.push_back(make("outlier columns", n_rows, cols,
                     [&](int64_t, int64_t c) { return normal(random) * (c % 61 == 17 ? 15.0f : 1.0f); }));
  all.push_back(make("smooth scales", n_rows, cols, [&](int64_t r, int64_t c) {
    const auto row = static_cast<float>(r), column = static_cast<float>(c);
    return normal(random) * std::exp(1.5f * std::sin(0.05f * row) + std::sin(0.02f * column)) +
           0.01f * std::sin(0.1f * column);
  }));
  return all;
}

WeightMatrix weights_of_file(const std::string& path) {
  const auto file = gguf::File::open(path);
  WeightMatrix matrix{"trained weights", 0, 256, {}, random_importance(256, 12)};
  if (!file.ok()) return matrix;
  for (const gguf::TensorInfo& tensor : file->tensors()) {
    const auto type = kernels::find_tensor_type(tensor.gguf_type);
    if (tensor.n_dims != 2 || !type || tensor.n_elements() % matrix.cols != 0) continue;
    const size_t begin = matrix.x.size();
    matrix.x.resize(begin + static_cast<size_t>(tensor.n_elements()));
    kernels::dequantize_row(type->type, tensor.data.data(), tensor.n_elements(), matrix.x.data() + begin);
  }
  matrix.n_rows = static_cast<int64_t>(matrix.x.size()) / matrix.cols;
  return matrix;
}

double squared_error(const WeightMatrix& matrix, kernels::TensorType type, const std::vector<std::byte>& blocks,
                     bool with_importance) {
  const size_t bytes = row_bytes(kernels::tensor_type_info(type), matrix.cols);
  std::vector<float> row(static_cast<size_t>(matrix.cols));
  double sum = 0;
  for (int64_t r = 0; r < matrix.n_rows; ++r) {
    kernels::dequantize_row(type, blocks.data() + static_cast<size_t>(r) * bytes, matrix.cols, row.data());
    const float* x = matrix.x.data() + r * matrix.cols;
    for (size_t c = 0; c < row.size(); ++c) {
      const double error = static_cast<double>(x[c]) - row[c];
      sum += error * error * (with_importance ? matrix.importance[c] : 1.0);
    }
  }
  return sum;
}

}  // namespace docmind::test
