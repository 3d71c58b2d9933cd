// Random weights of every tensor type we compute with, as the blocks of a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/tensor_type.h"

namespace docmind::test {

// Small and the same on every platform, unlike the standard's distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  float uniform();                         // [0, 1)
  float gauss();                           // mean 0, standard deviation 1
  int between(int lowest, int highest);    // both possible

 private:
  uint64_t state_;
};

// Fills whole blocks (`out` is a multiple of the type's block_bytes) with values of mean about 0 and
// standard deviation about `deviation`: scales differ from block to block, Q4_0's also in sign.
void fill_random_blocks(kernels::TensorType type, float deviation, Random& random, std::span<std::byte> out);

}  // namespace docmind::test
