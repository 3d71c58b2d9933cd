// The panels of packed matrices, block of columns by block of columns: 16 rows beside each other.
// Everything lies in the order in which a product reads it: hardware prefetches one stream, not three.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/packed_matrix.h"

namespace docmind::kernels {

// 64 bytes: 4 neighbouring columns of each of the 16 rows. Group g of a block of 32 columns holds
// columns 4 g to 4 g + 3.
using CodeGroup = uint8_t[kPanelRows][4];
inline constexpr int64_t kGroupsPerBlock = 8;

// Codes are stored without sign (q + 128), as the multiply instructions want one operand.
struct PanelQ8_0 {
  static constexpr int64_t kCols = 32;
  Half d[kPanelRows];
  CodeGroup codes[8];
};
static_assert(sizeof(PanelQ8_0) == sizeof(BlockQ8_0) * 16);

// Nibble pairs: codes[g] has group g in its low and group g + 4 in its high nibbles; q as in the file.
struct PanelQ4_0 {
  static constexpr int64_t kCols = 32;
  Half d[kPanelRows];
  CodeGroup codes[4];
};
static_assert(sizeof(PanelQ4_0) == sizeof(BlockQ4_0) * 16);

struct PanelQ4_K {
  static constexpr int64_t kCols = 256;
  Half d[kPanelRows];
  Half dmin[kPanelRows];
  uint8_t scales[8][kPanelRows];  // widened from six bits, one row a block of 32 columns
  uint8_t mins[8][kPanelRows];
  struct {
    CodeGroup codes[4];  // as in PanelQ4_0
  } blocks[8];
};
static_assert(sizeof(PanelQ4_K) == (sizeof(BlockQ4_K) + 4) * 16);

struct PanelQ5_K {
  static constexpr int64_t kCols = 256;
  Half d[kPanelRows];
  Half dmin[kPanelRows];
  uint8_t scales[8][kPanelRows];
  uint8_t mins[8][kPanelRows];
  struct {
    CodeGroup codes[4];
    CodeGroup high;  // bit g is the fifth bit of group g
  } blocks[8];
};
static_assert(sizeof(PanelQ5_K) == (sizeof(BlockQ5_K) + 4) * 16);

struct PanelQ6_K {
  static constexpr int64_t kCols = 256;
  Half d[kPanelRows];
  int8_t scales[16][kPanelRows];  // one row a block of 16 columns
  struct {
    CodeGroup codes[4];
    CodeGroup high[2];  // bits 2 g and 2 g + 1 of high[0] are the top bits of group g, those of
                        // high[1] of group g + 4
  } blocks[8];
};
static_assert(sizeof(PanelQ6_K) == sizeof(BlockQ6_K) * 16);

}  // namespace docmind::kernels
