// RowTable: rows of floats out of a packed matrix or a tensor of the mapped file (embedding tables).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "gguf/file.h"
#include "kernels/kernels.h"

namespace docmind::model {

class RowTable {
 public:
  RowTable() = default;
  // Both are borrowed; a tensor must have passed WeightPlan::check().
  explicit RowTable(const kernels::PackedMatrix& packed) : packed_(&packed), cols_(packed.cols) {}
  explicit RowTable(const gguf::TensorInfo& tensor)
    : type_(static_cast<kernels::TensorType>(tensor.gguf_type)),
      rows_(tensor.data.data()),
      cols_(tensor.dims[0]),
      row_bytes_(kernels::row_bytes(kernels::tensor_type_info(type_), cols_)) {}

  // `out` has as many floats as the table has columns.
  void read(int64_t row, float* out) const {
    if (packed_ != nullptr) kernels::unpack_row(*packed_, row, out);
    else kernels::dequantize_row(type_, rows_ + static_cast<size_t>(row) * row_bytes_, cols_, out);
  }

 private:
  const kernels::PackedMatrix* packed_ = nullptr;
  kernels::TensorType type_ = kernels::TensorType::kF32;
  const std::byte* rows_ = nullptr;
  int64_t cols_ = 0;
  size_t row_bytes_ = 0;
};

}  // namespace docmind::model
