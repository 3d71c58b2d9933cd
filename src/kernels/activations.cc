// Where the parts of an Activations lie.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cassert>

#include "kernels/packed_matrix.h"

namespace docmind::kernels {
namespace {

constexpr size_t kAlignment = 64;

constexpr size_t aligned(size_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

bool uses_quantized_activations(TensorType type) {
  return type != TensorType::kF32 && type != TensorType::kF16 && type != TensorType::kBF16;
}

size_t activation_bytes(int64_t n_rows, int64_t cols, bool quantized) {
  const auto n = static_cast<size_t>(n_rows * cols);
  if (!quantized) return aligned(n * sizeof(float));
  const size_t n_blocks = n / kActivationBlock;
  return aligned(n) + 3 * aligned(n_blocks * sizeof(float)) + aligned(2 * n_blocks * sizeof(int32_t));
}

Activations place_activations(int64_t n_rows, int64_t cols, bool quantized, std::byte* memory) {
  assert(!quantized || cols % kActivationBlock == 0);
  Activations out{.n_rows = n_rows, .cols = cols, .quantized = quantized};
  const auto n = static_cast<size_t>(n_rows * cols);
  if (!quantized) {
    out.values = reinterpret_cast<float*>(memory);
    return out;
  }
  const size_t block_bytes = aligned(n / kActivationBlock * sizeof(float));
  out.codes = reinterpret_cast<int8_t*>(memory);
  memory += aligned(n);
  out.scales = reinterpret_cast<float*>(memory);
  memory += block_bytes;
  out.sums = reinterpret_cast<float*>(memory);
  memory += block_bytes;
  out.offsets = reinterpret_cast<int32_t*>(memory);
  memory += block_bytes;
  out.offsets16 = reinterpret_cast<int32_t*>(memory);
  return out;
}

size_t matmul_scratch_bytes(int64_t cols) {
  // Two panels as bytes, and floats: a scale per 16 columns and a min per 32 of each row.
  const auto n = static_cast<size_t>(cols * 2 * kPanelRows);
  return aligned(n + n / 16 * sizeof(float) + n / 32 * sizeof(float));
}

}  // namespace docmind::kernels
