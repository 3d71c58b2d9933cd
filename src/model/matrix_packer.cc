// MatrixPacker: rows of a file to panels of a packed matrix, quantized on the way where that is asked for.
// SPDX-License-Identifier: Apache-2.0
#include "model/matrix_packer.h"

#include <algorithm>
#include <atomic>

namespace docmind::model {
namespace {

constexpr size_t whole_lines(size_t n_bytes) { return (n_bytes + 63) / 64 * 64; }

}  // namespace

Status MatrixPacker::allocate(int64_t cols) {
  const auto widest = kernels::tensor_type_info(kernels::TensorType::kQ8_0);  // of what floats become
  row_bytes_ = whole_lines(static_cast<size_t>(cols) * sizeof(float));
  panel_bytes_ = whole_lines(kernels::kPanelRows * kernels::row_bytes(widest, cols));
  thread_bytes_ = row_bytes_ + panel_bytes_ + whole_lines(kernels::quantize_scratch_bytes(cols));
  DM_ASSIGN(memory_, AlignedBuffer::allocate(thread_bytes_ * team_.n_threads()));
  return {};
}

bool MatrixPacker::pack(const MatrixSource& source, kernels::TensorType type, int64_t begin, int64_t end,
                        std::byte* out) {
  if (type == source.type) {
    team_.parallel_for(end - begin, 1, [&](int64_t from, int64_t until, size_t) {
      kernels::pack_panels(type, source.rows, source.cols, source.data, begin + from, begin + until, out);
    });
    return true;
  }
  std::atomic<bool> possible = true;
  team_.parallel_for(end - begin, 1, [&](int64_t from, int64_t until, size_t thread) {
    std::byte* scratch = memory_.data() + thread * thread_bytes_;
    for (int64_t panel = begin + from; panel < begin + until; ++panel) {
      if (!quantize_panel(source, type, panel, scratch, out)) possible.store(false, std::memory_order_relaxed);
    }
  });
  return possible.load(std::memory_order_relaxed);
}

bool MatrixPacker::quantize_panel(const MatrixSource& source, kernels::TensorType type, int64_t panel,
                                  std::byte* scratch, std::byte* out) const {
  auto* floats = reinterpret_cast<float*>(scratch);
  std::byte* rows = scratch + row_bytes_;
  const int64_t first = panel * kernels::kPanelRows;
  const int64_t n_rows = std::min(kernels::kPanelRows, source.rows - first);
  const size_t row = kernels::row_bytes(kernels::tensor_type_info(type), source.cols);
  for (int64_t i = 0; i < n_rows; ++i) {
    read_row(source, first + i, floats);
    const kernels::QuantizeJob job{.type = type, .x = floats, .n_rows = 1, .cols = source.cols,
                                   .out = rows + static_cast<size_t>(i) * row};
    if (!table_.quantize_rows(job, scratch + row_bytes_ + panel_bytes_)) return false;
  }
  kernels::pack_panels(type, n_rows, source.cols, rows, 0, 1,
                       out + static_cast<size_t>(panel) * kernels::panel_bytes(type, source.cols));
  return true;
}

void MatrixPacker::read_row(const MatrixSource& source, int64_t row, float* out) const {
  const std::byte* from = source.data + static_cast<size_t>(row) * source.row_bytes();
  if (source.type == kernels::TensorType::kF16) {
    table_.from_half(reinterpret_cast<const kernels::Half*>(from), source.cols, out);
  } else {
    kernels::dequantize_row(source.type, from, source.cols, out);
  }
}

}  // namespace docmind::model
