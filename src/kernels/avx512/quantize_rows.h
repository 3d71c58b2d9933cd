// Rows of floats to blocks with AVX-512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/quantize.h"

namespace docmind::kernels::avx512 {

bool quantize_rows(const QuantizeJob& job, std::byte* scratch);

}  // namespace docmind::kernels::avx512
