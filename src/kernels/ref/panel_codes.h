// One row's block of 32 columns out of a panel of a quantized matrix, for the scalar twins.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/packed_matrix.h"

namespace docmind::kernels::ref {

// value[i] = scales[i / 16] * codes[i] - min
struct RowBlock {
  int codes[32];
  float scales[2];
  float min;
};

// Block `block` of 32 columns of row `row` (0..15) of a panel; `type` is a quantized one.
[[nodiscard]] RowBlock panel_row_block(TensorType type, const std::byte* panel, int64_t row, int64_t block);

// Element (row, col) of a panel of floats.
[[nodiscard]] float panel_float(TensorType type, const std::byte* panel, int64_t row, int64_t col);

}  // namespace docmind::kernels::ref
