// Scans over the vectors of an index (KernelTable has the contracts) with AVX-512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace docmind::kernels::avx512 {

int64_t near_sketches(const uint64_t* query, int64_t n_words, const uint64_t* sketches, int64_t n_rows,
                      uint32_t most, NearSketch* out);
// The same where the CPU has VPOPCNTDQ as well.
int64_t near_sketches_popcnt(const uint64_t* query, int64_t n_words, const uint64_t* sketches,
                             int64_t n_rows, uint32_t most, NearSketch* out);
int32_t dot_i8(const int8_t* x, const int8_t* y, int64_t n);

}  // namespace docmind::kernels::avx512
