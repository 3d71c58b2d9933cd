// MatrixPacker: rows of a file to panels of a packed matrix, quantized on the way where that is asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"

namespace docmind::model {

// Rows as they lie in a file; borrowed.
struct MatrixSource {
  kernels::TensorType type = kernels::TensorType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* data = nullptr;
  [[nodiscard]] size_t row_bytes() const { return kernels::row_bytes(kernels::tensor_type_info(type), cols); }
  [[nodiscard]] size_t n_bytes() const { return static_cast<size_t>(rows) * row_bytes(); }
};

// Borrows table and team. Besides the panels there is one panel and one row of floats for each thread.
class MatrixPacker {
 public:
  MatrixPacker(const kernels::KernelTable& table, ThreadTeam& team) : table_(table), team_(team) {}
  // Room for matrices of up to `cols` columns that are quantized; kLimit when the system has not the memory. Once.
  Status allocate(int64_t cols);

  [[nodiscard]] size_t n_threads() const { return team_.n_threads(); }
  // Panels [begin, end) of the matrix in `type`, into `out`, the start of the whole packed matrix. False when a number
  // cannot be quantized: it is not finite, or too large for the type's scales.
  [[nodiscard]] bool pack(const MatrixSource& source, kernels::TensorType type, int64_t begin, int64_t end,
                          std::byte* out);

 private:
  bool quantize_panel(const MatrixSource& source, kernels::TensorType type, int64_t panel, std::byte* scratch,
                      std::byte* out) const;
  void read_row(const MatrixSource& source, int64_t row, float* out) const;

  const kernels::KernelTable& table_;
  ThreadTeam& team_;
  AlignedBuffer memory_;  // of each thread: a row of floats, the rows of a panel, the kernel's scratch
  size_t row_bytes_ = 0, panel_bytes_ = 0, thread_bytes_ = 0;
};

}  // namespace docmind::model
