// ScratchSizes: what the memory of a forward pass is made of, told before it is allocated.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "kernels/attention.h"
#include "kernels/packed_matrix.h"

namespace docmind::model {

// A weight matrix as it is packed (after LoadOptions::quantize); kernels::packed_bytes() are its own bytes.
struct MatrixShape {
  kernels::TensorType type = kernels::TensorType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
};
inline MatrixShape shape_of(const kernels::PackedMatrix& matrix) { return {matrix.type, matrix.rows, matrix.cols}; }

// Bytes are multiples of 64. The parts lie one after another: buffers of rows, the operand of products (its codes,
// then its values), and for each thread the kernels' scratch and that of products of two matrices.
class ScratchSizes {
 public:
  explicit ScratchSizes(int64_t max_rows) : max_rows_(max_rows) {}

  // Call for each matrix that rows are multiplied with.
  void fit(const MatrixShape& matrix);
  void fit_attention(const kernels::AttentionJob& job);
  // For models that call Executor::gated() or multiply_to().
  void fit_gated() { gated_floats_ = max_rows_ * kGatedColumns; }

  [[nodiscard]] int64_t max_rows() const { return max_rows_; }
  [[nodiscard]] size_t buffer_bytes(int64_t width) const;  // max_rows rows of floats
  [[nodiscard]] size_t code_bytes() const { return code_bytes_; }
  [[nodiscard]] size_t operand_bytes() const { return code_bytes_ + value_bytes_; }
  [[nodiscard]] size_t kernel_bytes() const { return kernel_bytes_; }  // of a thread
  [[nodiscard]] size_t thread_bytes() const;                           // with the next
  [[nodiscard]] int64_t gated_floats() const { return gated_floats_; }  // of a thread
  // All of it, with a buffer for each width.
  [[nodiscard]] size_t n_bytes(std::initializer_list<int64_t> widths, size_t n_threads) const;

  static constexpr int64_t kQueryTile = 256;  // queries that attention takes at a time

 private:
  static constexpr int64_t kGatedColumns = 256;

  int64_t max_rows_;
  size_t code_bytes_ = 0, value_bytes_ = 0;
  size_t kernel_bytes_ = 0;
  int64_t gated_floats_ = 0;
};

}  // namespace docmind::model
