// Rows of floats to blocks in plain C++.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/quantize.h"

namespace docmind::kernels::ref {

bool quantize_rows(const QuantizeJob& job, std::byte* scratch);

}  // namespace docmind::kernels::ref
