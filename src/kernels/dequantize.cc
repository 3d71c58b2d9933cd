// Rows as they lie in a file, to floats: the formats' definitions, written for clarity.
// SPDX-License-Identifier: Apache-2.0
#include <cassert>
#include <cstring>

#include "kernels/half.h"
#include "kernels/kernels.h"

namespace docmind::kernels {
namespace {

void dequantize_block(const BlockQ8_0& block, float* out) {
  const float d = half_to_float(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

void dequantize_block(const BlockQ4_0& block, float* out) {
  const float d = half_to_float(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((block.qs[i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((block.qs[i] >> 4) - 8);
  }
}

struct ScaleMin {
  float scale;
  float min;
};

template <typename Block>
ScaleMin scale_and_min(const Block& block, int b) {
  const uint8_t* s = block.scales;
  const int scale = b < 4 ? s[b] & 63 : (s[b + 4] & 15) | ((s[b - 4] >> 6) << 4);
  const int min = b < 4 ? s[b + 4] & 63 : (s[b + 4] >> 4) | ((s[b] >> 6) << 4);
  return {half_to_float(block.d) * static_cast<float>(scale),
          half_to_float(block.dmin) * static_cast<float>(min)};
}

void dequantize_block(const BlockQ4_K& block, float* out) {
  for (int b = 0; b < 8; ++b) {
    const auto [scale, min] = scale_and_min(block, b);
    for (int i = 0; i < 32; ++i) {
      const int q = (block.qs[32 * (b / 2) + i] >> (4 * (b % 2))) & 15;
      out[32 * b + i] = scale * static_cast<float>(q) - min;
    }
  }
}

void dequantize_block(const BlockQ5_K& block, float* out) {
  for (int b = 0; b < 8; ++b) {
    const auto [scale, min] = scale_and_min(block, b);
    for (int i = 0; i < 32; ++i) {
      const int low = (block.qs[32 * (b / 2) + i] >> (4 * (b % 2))) & 15;
      const int q = low | ((block.qh[i] >> b) & 1) << 4;
      out[32 * b + i] = scale * static_cast<float>(q) - min;
    }
  }
}

void dequantize_block(const BlockQ6_K& block, float* out) {
  const float d = half_to_float(block.d);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, quarter = i % 128 / 32, place = i % 32;
    const int low = (block.ql[64 * half + 32 * (quarter % 2) + place] >> (4 * (quarter / 2))) & 15;
    const int high = (block.qh[32 * half + place] >> (2 * quarter)) & 3;
    const float scale = d * static_cast<float>(block.scales[i / 16]);
    out[i] = scale * static_cast<float>((low | high << 4) - 32);
  }
}

template <typename Block>
void dequantize_blocks(const std::byte* row, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += Block::kLen, row += sizeof(Block)) {
    Block block;
    std::memcpy(&block, row, sizeof block);
    dequantize_block(block, out + i);
  }
}

}  // namespace

void dequantize_row(TensorType type, const std::byte* row, int64_t n, float* out) {
  assert(n % tensor_type_info(type).block_len == 0);
  const auto* halves = reinterpret_cast<const uint16_t*>(row);
  switch (type) {
    case TensorType::kF32: std::memcpy(out, row, static_cast<size_t>(n) * sizeof(float)); break;
    case TensorType::kF16:
      for (int64_t i = 0; i < n; ++i) out[i] = half_to_float(halves[i]);
      break;
    case TensorType::kBF16:
      for (int64_t i = 0; i < n; ++i) out[i] = bfloat16_to_float(halves[i]);
      break;
    case TensorType::kQ8_0: dequantize_blocks<BlockQ8_0>(row, n, out); break;
    case TensorType::kQ4_0: dequantize_blocks<BlockQ4_0>(row, n, out); break;
    case TensorType::kQ4_K: dequantize_blocks<BlockQ4_K>(row, n, out); break;
    case TensorType::kQ5_K: dequantize_blocks<BlockQ5_K>(row, n, out); break;
    case TensorType::kQ6_K: dequantize_blocks<BlockQ6_K>(row, n, out); break;
  }
}

}  // namespace docmind::kernels
