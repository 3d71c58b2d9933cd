// Packing file rows into panels.
// SPDX-License-Identifier: Apache-2.0
#include <cassert>
#include <cstring>

#include "kernels/packed_matrix.h"
#include "kernels/panel_layout.h"

namespace docmind::kernels {
namespace {

constexpr uint32_t kLowNibbles = 0x0f0f0f0f;

// Four neighbouring codes of one row are moved together.
uint32_t load4(const void* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
void store4(uint8_t (&to)[4], uint32_t value) {
  std::memcpy(to, &value, sizeof value);
}

void pack_block(const BlockQ8_0& from, int64_t row, PanelQ8_0& to) {
  to.d[row] = from.d;
  for (int g = 0; g < 8; ++g) store4(to.codes[g][row], load4(from.qs + 4 * g) ^ 0x80808080u);
}

void pack_block(const BlockQ4_0& from, int64_t row, PanelQ4_0& to) {
  to.d[row] = from.d;
  for (int g = 0; g < 4; ++g) store4(to.codes[g][row], load4(from.qs + 4 * g));
}

// `low` has the low four bits of 32 codes, one a byte, `shift` bits up.
void pack_nibbles(const uint8_t* low, int shift, int64_t row, CodeGroup (&to)[4]) {
  for (int g = 0; g < 4; ++g) {
    const uint32_t first = (load4(low + 4 * g) >> shift) & kLowNibbles;
    const uint32_t second = (load4(low + 16 + 4 * g) >> shift) & kLowNibbles;
    store4(to[g][row], first | second << 4);
  }
}

// The six-bit scale and min of block b (format specification of the K types).
void unpack_scale(const uint8_t (&packed)[12], int b, uint8_t& scale, uint8_t& min) {
  if (b < 4) {
    scale = packed[b] & 63;
    min = packed[b + 4] & 63;
  } else {
    scale = static_cast<uint8_t>((packed[b + 4] & 15) | ((packed[b - 4] >> 6) << 4));
    min = static_cast<uint8_t>((packed[b + 4] >> 4) | ((packed[b] >> 6) << 4));
  }
}

template <typename Block, typename Panel>
void pack_scales_and_nibbles(const Block& from, int64_t row, Panel& to) {
  to.d[row] = from.d;
  to.dmin[row] = from.dmin;
  for (int b = 0; b < 8; ++b) {
    unpack_scale(from.scales, b, to.scales[b][row], to.mins[b][row]);
    pack_nibbles(from.qs + 32 * (b / 2), 4 * (b % 2), row, to.blocks[b].codes);
  }
}

void pack_block(const BlockQ4_K& from, int64_t row, PanelQ4_K& to) {
  pack_scales_and_nibbles(from, row, to);
}

void pack_block(const BlockQ5_K& from, int64_t row, PanelQ5_K& to) {
  pack_scales_and_nibbles(from, row, to);
  for (int b = 0; b < 8; ++b) {
    uint32_t bits = 0;
    for (int g = 0; g < 8; ++g) bits |= ((load4(from.qh + 4 * g) >> b) & 0x01010101u) << g;
    store4(to.blocks[b].high[row], bits);
  }
}

void pack_block(const BlockQ6_K& from, int64_t row, PanelQ6_K& to) {
  to.d[row] = from.d;
  for (int s = 0; s < 16; ++s) to.scales[s][row] = from.scales[s];
  for (int b = 0; b < 8; ++b) {
    const int quarter = b % 4;
    pack_nibbles(from.ql + 64 * (b / 4) + 32 * (quarter % 2), 4 * (quarter / 2), row, to.blocks[b].codes);
    for (int half = 0; half < 2; ++half) {
      const uint8_t* high = from.qh + 32 * (b / 4) + 16 * half;
      uint32_t bits = 0;
      for (int g = 0; g < 4; ++g) {
        bits |= ((load4(high + 4 * g) >> (2 * quarter)) & 0x03030303u) << (2 * g);
      }
      store4(to.blocks[b].high[half][row], bits);
    }
  }
}

struct PackJob {
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* src = nullptr;
};

template <typename Block, typename Panel>
void pack_panel(const PackJob& job, int64_t panel, std::byte* dst) {
  const int64_t n_blocks = job.cols / Block::kLen;
  const int64_t n_rows = std::min(kPanelRows, job.rows - panel * kPanelRows);
  auto* to = reinterpret_cast<Panel*>(dst);
  if (n_rows < kPanelRows) std::memset(dst, 0, static_cast<size_t>(n_blocks) * sizeof(Panel));
  for (int64_t row = 0; row < n_rows; ++row) {
    const std::byte* from = job.src + static_cast<size_t>((panel * kPanelRows + row) * n_blocks) * sizeof(Block);
    for (int64_t b = 0; b < n_blocks; ++b, from += sizeof(Block)) {
      Block block;
      std::memcpy(&block, from, sizeof block);
      pack_block(block, row, to[b]);
    }
  }
}

// Floats: [cols][16 rows].
template <typename Element>
void pack_float_panel(const PackJob& job, int64_t panel, std::byte* dst) {
  const int64_t n_rows = std::min(kPanelRows, job.rows - panel * kPanelRows);
  const size_t row_size = static_cast<size_t>(job.cols) * sizeof(Element);
  auto* to = reinterpret_cast<Element*>(dst);
  if (n_rows < kPanelRows) std::memset(dst, 0, row_size * kPanelRows);
  for (int64_t row = 0; row < n_rows; ++row) {
    const std::byte* from = job.src + static_cast<size_t>(panel * kPanelRows + row) * row_size;
    for (int64_t c = 0; c < job.cols; ++c) {
      std::memcpy(to + c * kPanelRows + row, from + static_cast<size_t>(c) * sizeof(Element), sizeof(Element));
    }
  }
}

}  // namespace

size_t panel_bytes(TensorType type, int64_t cols) {
  const TensorTypeInfo info = tensor_type_info(type);
  const bool widened = type == TensorType::kQ4_K || type == TensorType::kQ5_K;
  const size_t per_block = info.block_bytes + (widened ? 4 : 0);
  return static_cast<size_t>(cols / info.block_len) * per_block * kPanelRows;
}

size_t packed_bytes(TensorType type, int64_t rows, int64_t cols) {
  return panel_bytes(type, cols) * static_cast<size_t>((rows + kPanelRows - 1) / kPanelRows);
}

void pack_panels(TensorType type, int64_t rows, int64_t cols, const std::byte* src,
                 int64_t panel_begin, int64_t panel_end, std::byte* dst) {
  assert(cols % tensor_type_info(type).block_len == 0);
  const PackJob job{rows, cols, src};
  const size_t stride = panel_bytes(type, cols);
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    std::byte* to = dst + static_cast<size_t>(panel) * stride;
    switch (type) {
      case TensorType::kF32: pack_float_panel<float>(job, panel, to); break;
      case TensorType::kF16:
      case TensorType::kBF16: pack_float_panel<uint16_t>(job, panel, to); break;
      case TensorType::kQ8_0: pack_panel<BlockQ8_0, PanelQ8_0>(job, panel, to); break;
      case TensorType::kQ4_0: pack_panel<BlockQ4_0, PanelQ4_0>(job, panel, to); break;
      case TensorType::kQ4_K: pack_panel<BlockQ4_K, PanelQ4_K>(job, panel, to); break;
      case TensorType::kQ5_K: pack_panel<BlockQ5_K, PanelQ5_K>(job, panel, to); break;
      case TensorType::kQ6_K: pack_panel<BlockQ6_K, PanelQ6_K>(job, panel, to); break;
    }
  }
}

}  // namespace docmind::kernels
