// The panel formats, read element by element.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/panel_codes.h"

#include <cassert>

#include "kernels/half.h"
#include "kernels/panel_layout.h"

namespace docmind::kernels::ref {
namespace {

int nibble(const CodeGroup (&codes)[4], int64_t row, int i) {
  const int group = i / 4;
  return (codes[group % 4][row][i % 4] >> (4 * (group / 4))) & 15;
}

RowBlock row_block(const PanelQ8_0& panel, int64_t row, int64_t) {
  RowBlock out{};
  for (int i = 0; i < 32; ++i) out.codes[i] = panel.codes[i / 4][row][i % 4] - 128;
  out.scales[0] = out.scales[1] = half_to_float(panel.d[row]);
  return out;
}

RowBlock row_block(const PanelQ4_0& panel, int64_t row, int64_t) {
  RowBlock out{};
  for (int i = 0; i < 32; ++i) out.codes[i] = nibble(panel.codes, row, i) - 8;
  out.scales[0] = out.scales[1] = half_to_float(panel.d[row]);
  return out;
}

template <typename Panel>
void set_scales(const Panel& panel, int64_t row, int64_t b, RowBlock& out) {
  out.scales[0] = out.scales[1] = half_to_float(panel.d[row]) * static_cast<float>(panel.scales[b][row]);
  out.min = half_to_float(panel.dmin[row]) * static_cast<float>(panel.mins[b][row]);
}

RowBlock row_block(const PanelQ4_K& panel, int64_t row, int64_t b) {
  RowBlock out{};
  for (int i = 0; i < 32; ++i) out.codes[i] = nibble(panel.blocks[b].codes, row, i);
  set_scales(panel, row, b, out);
  return out;
}

RowBlock row_block(const PanelQ5_K& panel, int64_t row, int64_t b) {
  RowBlock out{};
  for (int i = 0; i < 32; ++i) {
    out.codes[i] = nibble(panel.blocks[b].codes, row, i) | ((panel.blocks[b].high[row][i % 4] >> (i / 4)) & 1) << 4;
  }
  set_scales(panel, row, b, out);
  return out;
}

RowBlock row_block(const PanelQ6_K& panel, int64_t row, int64_t b) {
  RowBlock out{};
  for (int i = 0; i < 32; ++i) {
    const int group = i / 4;
    const int high = (panel.blocks[b].high[group / 4][row][i % 4] >> (2 * (group % 4))) & 3;
    out.codes[i] = (nibble(panel.blocks[b].codes, row, i) | high << 4) - 32;
  }
  const float d = half_to_float(panel.d[row]);
  for (int half = 0; half < 2; ++half) {
    out.scales[half] = d * static_cast<float>(panel.scales[2 * b + half][row]);
  }
  return out;
}

template <typename Panel>
RowBlock block_of(const std::byte* panel, int64_t row, int64_t block) {
  constexpr int64_t kBlocks = Panel::kCols / kActivationBlock;
  return row_block(reinterpret_cast<const Panel*>(panel)[block / kBlocks], row, block % kBlocks);
}

}  // namespace

RowBlock panel_row_block(TensorType type, const std::byte* panel, int64_t row, int64_t block) {
  switch (type) {
    case TensorType::kQ8_0: return block_of<PanelQ8_0>(panel, row, block);
    case TensorType::kQ4_0: return block_of<PanelQ4_0>(panel, row, block);
    case TensorType::kQ4_K: return block_of<PanelQ4_K>(panel, row, block);
    case TensorType::kQ5_K: return block_of<PanelQ5_K>(panel, row, block);
    case TensorType::kQ6_K: return block_of<PanelQ6_K>(panel, row, block);
    case TensorType::kF32:
    case TensorType::kF16:
    case TensorType::kBF16: break;
  }
  assert(false);
  return {};
}

float panel_float(TensorType type, const std::byte* panel, int64_t row, int64_t col) {
  const int64_t place = col * kPanelRows + row;
  if (type == TensorType::kF32) return reinterpret_cast<const float*>(panel)[place];
  const uint16_t bits = reinterpret_cast<const uint16_t*>(panel)[place];
  return type == TensorType::kF16 ? half_to_float(bits) : bfloat16_to_float(bits);
}

}  // namespace docmind::kernels::ref
