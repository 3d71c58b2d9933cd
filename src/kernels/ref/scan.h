// Scans over the vectors of an index (KernelTable has the contracts) in plain C++: what the vector
// versions are compared with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace docmind::kernels::ref {

int64_t near_sketches(const uint64_t* query, int64_t n_words, const uint64_t* sketches, int64_t n_rows,
                      uint32_t most, NearSketch* out);
int32_t dot_i8(const int8_t* x, const int8_t* y, int64_t n);

}  // namespace docmind::kernels::ref
