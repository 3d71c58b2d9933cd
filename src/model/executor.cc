// Executor: the matrix products and row loops of a forward pass, spread over a team of threads.
// SPDX-License-Identifier: Apache-2.0
#include "model/executor.h"

#include <algorithm>

namespace docmind::model {
namespace {

// The panels [begin, end) as a matrix of their own.
kernels::PackedMatrix slice(const kernels::PackedMatrix& matrix, int64_t begin, int64_t end) {
  const size_t offset = static_cast<size_t>(begin) * kernels::panel_bytes(matrix.type, matrix.cols);
  return {.type = matrix.type,
          .rows = std::min(end * kernels::kPanelRows, matrix.rows) - begin * kernels::kPanelRows,
          .cols = matrix.cols,
          .data = matrix.data + offset,
          .bias = matrix.bias == nullptr ? nullptr : matrix.bias + begin * kernels::kPanelRows};
}

}  // namespace

void Operand::shape(int64_t n_rows, std::span<const Linear* const> weights) {
  n_rows_ = n_rows;
  uses_codes_ = uses_values_ = false;
  for (const Linear* linear : weights) {
    const bool codes = kernels::uses_quantized_activations(linear->weight.type);
    (codes ? uses_codes_ : uses_values_) = true;
  }
  const int64_t cols = (*weights.begin())->weight.cols;
  if (uses_codes_) codes_ = kernels::place_activations(n_rows, cols, true, codes_memory_);
  if (uses_values_) values_ = kernels::place_activations(n_rows, cols, false, values_memory_);
}

void Operand::load(const kernels::KernelTable& table, const float* x, int64_t stride, int64_t row, int64_t n_rows) {
  if (uses_codes_) table.load_activations(x, stride, row, n_rows, codes_);
  if (uses_values_) table.load_activations(x, stride, row, n_rows, values_);
}

Status Executor::allocate(std::initializer_list<RowBuffer> buffers) {
  size_t operand_at = 0;
  for (const RowBuffer& buffer : buffers) operand_at += sizes_.buffer_bytes(buffer.width);
  threads_at_ = operand_at + sizes_.operand_bytes();
  thread_bytes_ = sizes_.thread_bytes();
  DM_ASSIGN(memory_, AlignedBuffer::allocate(threads_at_ + thread_bytes_ * team_.n_threads()));
  std::byte* place = memory_.data();
  for (const RowBuffer& buffer : buffers) {
    *buffer.rows = reinterpret_cast<float*>(place);
    place += sizes_.buffer_bytes(buffer.width);
  }
  operand_.place(sizes_, memory_.data() + operand_at);
  return {};
}

// Matrices that are parts of one tensor have one name and stand side by side.
void Executor::show(const float* x, int64_t stride, int64_t n_rows, std::span<const Linear* const> weights) const {
  std::string_view shown;
  for (const Linear* linear : weights) {
    const std::string_view name = names_->find(linear->weight);
    if (name.empty() || name == shown) continue;
    observer_->see(name, x, stride, n_rows, linear->weight.cols);
    shown = name;
  }
}

// Few enough pieces that each streams for a while, enough that a late thread does not hold up the
// others; an even number of panels, as products of many rows take two at a time.
int64_t Executor::panel_grain(int64_t n_panels) const {
  const int64_t grain = n_panels / (static_cast<int64_t>(team_.n_threads()) * 8);
  return std::clamp<int64_t>(grain / 2 * 2, 2, 64);
}

void Executor::multiply_panels(const Product& product, int64_t begin, int64_t end, size_t thread) const {
  const Linear& linear = *product.linear;
  table_.matmul(linear.weight, operand_.for_weight(linear.weight), begin, end, product.y, product.y_stride,
                thread_memory(thread));
  const int64_t column = begin * kernels::kPanelRows;
  const int64_t n = std::min(end * kernels::kPanelRows, linear.weight.rows) - column;
  if (!product.gelu) return;
  for (int64_t t = 0; t < operand_.n_rows(); ++t) table_.gelu(product.y + t * product.y_stride + column, n);
}

void Executor::multiply(std::initializer_list<Product> products) {
  int64_t n_panels = 0;
  for (const Product& product : products) n_panels += product.linear->weight.n_panels();
  // All panels in one loop, one matrix after another.
  team_.parallel_for(n_panels, panel_grain(n_panels), [&](int64_t begin, int64_t end, size_t thread) {
    for (const Product& product : products) {
      const int64_t n = product.linear->weight.n_panels();
      if (begin < n && end > 0) multiply_panels(product, std::max<int64_t>(begin, 0), std::min(end, n), thread);
      begin -= n;
      end -= n;
    }
  });
}

void Executor::multiply_to(const Linear& linear, std::span<float* const> rows) {
  const int64_t n_columns = linear.weight.rows;
  bool regular = true;
  for (size_t t = 1; t < rows.size(); ++t) regular = regular && rows[t] == rows[t - 1] + n_columns;
  if (regular) return multiply({{.linear = &linear, .y = rows[0], .y_stride = n_columns}});
  const auto& x = operand_.for_weight(linear.weight);
  const int64_t n_panels = linear.weight.n_panels();
  team_.parallel_for(n_panels, gated_grain(n_panels), [&](int64_t begin, int64_t end, size_t thread) {
    const kernels::PackedMatrix part = slice(linear.weight, begin, end);
    const float* y = gated_memory(thread);
    table_.matmul(part, x, 0, part.n_panels(), gated_memory(thread), part.rows, thread_memory(thread));
    for (float* row : rows) {
      std::copy_n(y, part.rows, row + begin * kernels::kPanelRows);
      y += part.rows;
    }
  });
}

void Executor::gated(const Linear& gate, const Linear& up, float* y, int64_t y_stride) {
  const int64_t n_rows = operand_.n_rows();
  const int64_t grain = gated_grain(gate.weight.n_panels());
  const auto& gate_x = operand_.for_weight(gate.weight);
  const auto& up_x = operand_.for_weight(up.weight);
  team_.parallel_for(gate.weight.n_panels(), grain, [&](int64_t begin, int64_t end, size_t thread) {
    const int64_t column = begin * kernels::kPanelRows;
    const kernels::PackedMatrix part = slice(up.weight, begin, end);
    float* raised = gated_memory(thread);
    table_.matmul(gate.weight, gate_x, begin, end, y, y_stride, thread_memory(thread));
    table_.matmul(part, up_x, 0, part.n_panels(), raised, part.rows, thread_memory(thread));
    for (int64_t t = 0; t < n_rows; ++t) table_.silu_mul(y + t * y_stride + column, raised + t * part.rows, part.rows);
  });
}

}  // namespace docmind::model
