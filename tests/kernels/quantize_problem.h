// Rows to be quantized, and what comes back of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/edge_memory.h"
#include "kernels/kernels.h"
#include "kernels/random_matrix.h"

namespace docmind::test {

inline constexpr kernels::TensorType kBlockTypes[] = {kernels::TensorType::kQ8_0, kernels::TensorType::kQ4_0,
                                                      kernels::TensorType::kQ4_K, kernels::TensorType::kQ5_K,
                                                      kernels::TensorType::kQ6_K};

struct Quantized {
  bool ok = false;
  std::vector<std::byte> blocks;

  bool operator==(const Quantized&) const = default;
};

// Values, importance and blocks each end where memory ends.
inline Quantized quantize(const kernels::KernelTable& table, kernels::TensorType type, const std::vector<float>& x,
                          int64_t cols, const std::vector<float>& importance = {}) {
  const EdgeRow<float> values(x), weights(importance);
  const auto n_rows = static_cast<int64_t>(x.size()) / cols;
  const EdgeRow<std::byte> out(row_bytes(kernels::tensor_type_info(type), cols) * static_cast<size_t>(n_rows));
  const auto scratch = std::move(AlignedBuffer::allocate(kernels::quantize_scratch_bytes(cols))).value();
  const kernels::QuantizeJob job{.type = type, .x = values.data(), .n_rows = n_rows, .cols = cols,
                                 .importance = importance.empty() ? nullptr : weights.data(), .out = out.data()};
  const bool ok = table.quantize_rows(job, scratch.as<std::byte>().data());
  return {ok, out.values()};
}

// With the best table of this CPU; all write the same.
inline Quantized quantize(kernels::TensorType type, const std::vector<float>& x, int64_t cols,
                          const std::vector<float>& importance = {}) {
  return quantize(*kernels::kernel_table(kernels::best_isa()).value(), type, x, cols, importance);
}

inline std::vector<float> dequantize(kernels::TensorType type, const std::vector<std::byte>& blocks, size_t n) {
  std::vector<float> x(n);
  kernels::dequantize_row(type, blocks.data(), static_cast<int64_t>(n), x.data());
  return x;
}

}  // namespace docmind::test
