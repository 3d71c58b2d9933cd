// Rows of floats to blocks with AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/quantize.h"

namespace docmind::kernels::avx2 {

bool quantize_rows(const QuantizeJob& job, std::byte* scratch);

}  // namespace docmind::kernels::avx2
