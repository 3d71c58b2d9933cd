// PackedMatrix and Activations: the two operands of a matrix product, in the order that the kernels
// read them.
//
// A weight matrix [rows, cols] (row r is one output; the order of a GGUF file) is cut into panels of
// 16 rows. A panel holds, block of columns by block of columns, the 16 rows' scales and then their
// codes, interleaved so that one 64-byte load gives 4 columns of 16 rows (panel_layout.h). The bytes
// of the file are kept (Q4_K, Q5_K: up to 2.8% more for scales widened to bytes), so a packed matrix
// is as small as the file, and both one row (decode) and many (prefill) stream it front to back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels {

inline constexpr int64_t kPanelRows = 16;
inline constexpr int64_t kActivationBlock = 32;

struct PackedMatrix {
  TensorType type = TensorType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* data = nullptr;  // borrowed, 64-byte aligned, packed_bytes() long
  const float* bias = nullptr;      // borrowed, [rows]; added to each product unless null

  [[nodiscard]] int64_t n_panels() const { return (rows + kPanelRows - 1) / kPanelRows; }
};

// Bytes of one panel and of the whole packed matrix; `cols` is a multiple of the type's block length.
[[nodiscard]] size_t panel_bytes(TensorType type, int64_t cols);
[[nodiscard]] size_t packed_bytes(TensorType type, int64_t rows, int64_t cols);

// Packs panels [panel_begin, panel_end) of the file's rows `src` into `dst` (start of the whole
// packed matrix). Missing rows of the last panel become zeros. Same layout for every CPU.
void pack_panels(TensorType type, int64_t rows, int64_t cols, const std::byte* src,
                 int64_t panel_begin, int64_t panel_end, std::byte* dst);

// Row `row` of a packed matrix as floats [cols] (embedding lookup of tied models).
void unpack_row(const PackedMatrix& matrix, int64_t row, float* out);

// The left operand: rows of floats or, where a quantized matrix will read them, their int8 form with
// one scale per 32 values (symmetric, round to nearest). Rows lie in tiles of kActivationTile, one
// column (float) or four (codes) of the whole tile after another; the last tile is as narrow as the
// rows that are left.
inline constexpr int64_t kActivationTile = 6;
struct Activations {
  int64_t n_rows = 0;
  int64_t cols = 0;
  bool quantized = false;       // which of the two forms is filled
  float* values = nullptr;      // tiles of [cols][width]
  int8_t* codes = nullptr;      // tiles of [cols / 4][width][4]
  float* scales = nullptr;      // tiles of [cols / 32][width]
  int32_t* offsets = nullptr;   // tiles of [cols / 32][width]: -128 * sum of the block's codes
  int32_t* offsets16 = nullptr; // tiles of [cols / 16][width]: the same for half blocks
  float* sums = nullptr;        // tiles of [cols / 32][width]: scale * sum of the block's codes

  // Rows of the tile that starts at row `tile` (a multiple of kActivationTile).
  [[nodiscard]] int64_t tile_width(int64_t tile) const {
    return n_rows - tile < kActivationTile ? n_rows - tile : kActivationTile;
  }
};

// Whether products with this type read int8 activations; cols is then a multiple of 32.
[[nodiscard]] bool uses_quantized_activations(TensorType type);

// Bytes for an Activations of this size, and its pointers laid into `memory` (64-byte aligned).
[[nodiscard]] size_t activation_bytes(int64_t n_rows, int64_t cols, bool quantized);
[[nodiscard]] Activations place_activations(int64_t n_rows, int64_t cols, bool quantized, std::byte* memory);

// Scratch of one thread for products with matrices of up to `cols` columns.
[[nodiscard]] size_t matmul_scratch_bytes(int64_t cols);

}  // namespace docmind::kernels
