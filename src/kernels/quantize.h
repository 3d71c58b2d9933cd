// Rows of floats to the blocks of a tensor type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels {

// Any TensorType; the float types only convert (round to nearest even).
struct QuantizeJob {
  TensorType type = TensorType::kQ8_0;
  const float* x = nullptr;  // [n_rows, cols]
  int64_t n_rows = 0;
  int64_t cols = 0;          // a multiple of the type's block length
  // [cols], how much an error in a column counts: the mean square of the activations that are multiplied with it,
  // 0 or more and finite. Null: all columns count alike, and the mean squared error is made small.
  const float* importance = nullptr;
  std::byte* out = nullptr;  // n_rows * row_bytes(), as in a file
};

// Scratch of one thread, 64-byte aligned.
[[nodiscard]] size_t quantize_scratch_bytes(int64_t cols);

}  // namespace docmind::kernels
