// A random matrix of any tensor type, as its rows would lie in a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"

namespace docmind::test {

struct RandomMatrix {
  kernels::TensorType type{};
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<std::byte> file;
  AlignedBuffer packed_memory;
  kernels::PackedMatrix packed;

  RandomMatrix(kernels::TensorType type, int64_t rows, int64_t cols, uint32_t seed);
  // Row `r` as floats, from the file's bytes.
  [[nodiscard]] std::vector<float> row(int64_t r) const;
};

// Every type that the kernels know, and every instruction set that this CPU runs.
[[nodiscard]] std::vector<kernels::TensorType> all_types();
[[nodiscard]] std::vector<kernels::Isa> runnable_isas();

// Activations in their own memory.
struct RandomActivations {
  std::vector<float> x;
  AlignedBuffer memory;
  kernels::Activations loaded;

  RandomActivations(const kernels::KernelTable& kernels, int64_t n_rows, int64_t cols, bool quantized, uint32_t seed);
};

}  // namespace docmind::test
