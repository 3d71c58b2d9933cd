// The Walsh-Hadamard transform with AVX-512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::kernels::avx512 {

void hadamard(float* x, int64_t n, int64_t block);

}  // namespace docmind::kernels::avx512
