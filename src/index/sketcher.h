// Sketcher: the signs of a vector after a random rotation, as bits that keep its angles to others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace docmind::index {

// Two vectors at an angle of a differ in a / pi of their bits, on average (Charikar, 2002). The
// rotation is two rounds of random signs and a Walsh-Hadamard transform, n log n in place of n^2
// (Ailon and Chazelle, "The fast Johnson-Lindenstrauss transform", 2009); a second round, since after one
// a vector of few values still has few distinct sums. The signs are fixed: so are the sketches,
// with all instructions. Read only once made; for any number of threads.
class Sketcher {
 public:
  // `dimension` is at least 1; `kernels` outlives it.
  Sketcher(size_t dimension, const kernels::KernelTable& kernels);

  // Bits / 64: one bit a dimension, at least 256.
  [[nodiscard]] size_t n_words() const { return n_words_; }
  // codes [dimension] to sketch [n_words()]; a positive factor of the codes changes nothing.
  void sketch(std::span<const int8_t> codes, std::span<uint64_t> out) const;

 private:
  const kernels::KernelTable& kernels_;
  size_t n_words_;
  size_t n_rotated_;           // the dimension and the bits, up to a power of two
  std::vector<float> signs_;   // [2, n_rotated_]
};

}  // namespace docmind::index
