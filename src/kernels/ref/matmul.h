// The scalar twins of the matrix product and of its operand (KernelTable has the contracts).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/packed_matrix.h"

namespace docmind::kernels::ref {

void load_activations(const float* x, int64_t stride, int64_t row, int64_t n_rows, Activations& out);
void matmul(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
            float* y, int64_t y_stride, std::byte* scratch);

}  // namespace docmind::kernels::ref
