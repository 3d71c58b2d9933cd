// Matrix product and activations with AVX2 and FMA (KernelTable has the contracts).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/packed_matrix.h"

namespace docmind::kernels::avx2 {

void load_activations(const float* x, int64_t stride, int64_t row, int64_t n_rows, Activations& out);
void matmul(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
            float* y, int64_t y_stride, std::byte* scratch);
// The part of matmul for matrices of floats.
void matmul_float(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
                  float* y, int64_t y_stride, std::byte* scratch);

}  // namespace docmind::kernels::avx2
