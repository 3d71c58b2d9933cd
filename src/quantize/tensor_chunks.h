// Chunks: a tensor in pieces that fit a core's cache, whatever its rows are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace docmind::quantize {

// 128 KiB as floats; a multiple of every block length.
inline constexpr int64_t kChunkElements = 32'768;

// Elements [begin, begin + n()) of a tensor, whole rows of it or a part of one.
struct TensorChunk {
  int64_t begin = 0;
  int64_t n_rows = 0;
  int64_t cols = 0;
  int64_t column = 0;  // where in the row its first element is
  [[nodiscard]] int64_t n() const { return n_rows * cols; }
};

class ChunkGrid {
 public:
  ChunkGrid(int64_t n_rows, int64_t cols)
    : n_rows_(n_rows), cols_(cols), rows_per_chunk_(std::max<int64_t>(1, kChunkElements / cols)),
      parts_per_row_((cols + kChunkElements - 1) / kChunkElements) {}

  // Chunks of equal length but for the last of a row or of the tensor, in the order of the elements.
  [[nodiscard]] int64_t n_chunks() const {
    return parts_per_row_ > 1 ? n_rows_ * parts_per_row_ : (n_rows_ + rows_per_chunk_ - 1) / rows_per_chunk_;
  }
  [[nodiscard]] TensorChunk at(int64_t i) const {
    if (parts_per_row_ == 1) {
      const int64_t row = i * rows_per_chunk_;
      return {row * cols_, std::min(rows_per_chunk_, n_rows_ - row), cols_, 0};
    }
    const int64_t column = i % parts_per_row_ * kChunkElements;
    return {i / parts_per_row_ * cols_ + column, 1, std::min(kChunkElements, cols_ - column), column};
  }

 private:
  int64_t n_rows_, cols_, rows_per_chunk_, parts_per_row_;
};

// `n` elements from whole blocks.
inline void read_floats(const kernels::KernelTable& table, kernels::TensorType type, const std::byte* bytes, int64_t n,
                        float* out) {
  if (type == kernels::TensorType::kF16 && reinterpret_cast<uintptr_t>(bytes) % alignof(kernels::Half) == 0) {
    table.from_half(reinterpret_cast<const kernels::Half*>(bytes), n, out);
  } else {
    kernels::dequantize_row(type, bytes, n, out);
  }
}

// The index of the first value that is not finite; `n` when all are.
[[nodiscard]] int64_t first_not_finite(const float* x, int64_t n);

}  // namespace docmind::quantize
