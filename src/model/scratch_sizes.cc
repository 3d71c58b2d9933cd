// ScratchSizes: what the memory of a forward pass is made of, told before it is allocated.
// SPDX-License-Identifier: Apache-2.0
#include "model/scratch_sizes.h"

#include <algorithm>

namespace docmind::model {
namespace {

constexpr size_t to_lines(size_t n_bytes) { return (n_bytes + 63) / 64 * 64; }
constexpr size_t float_lines(int64_t n) { return to_lines(static_cast<size_t>(n) * sizeof(float)); }

}  // namespace

void ScratchSizes::fit(const MatrixShape& matrix) {
  const bool codes = kernels::uses_quantized_activations(matrix.type);
  size_t& n_bytes = codes ? code_bytes_ : value_bytes_;
  n_bytes = std::max(n_bytes, to_lines(kernels::activation_bytes(max_rows_, matrix.cols, codes)));
  kernel_bytes_ = std::max(kernel_bytes_, to_lines(kernels::matmul_scratch_bytes(matrix.cols)));
}

void ScratchSizes::fit_attention(const kernels::AttentionJob& job) {
  kernel_bytes_ = std::max(kernel_bytes_, to_lines(kernels::attention_scratch_bytes(job, kQueryTile)));
}

size_t ScratchSizes::buffer_bytes(int64_t width) const { return float_lines(max_rows_ * width); }

size_t ScratchSizes::thread_bytes() const { return kernel_bytes_ + float_lines(gated_floats_); }

size_t ScratchSizes::n_bytes(std::initializer_list<int64_t> widths, size_t n_threads) const {
  size_t sum = operand_bytes() + thread_bytes() * n_threads;
  for (const int64_t width : widths) sum += buffer_bytes(width);
  return sum;
}

}  // namespace docmind::model
