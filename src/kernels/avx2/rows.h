// Row functions of KernelTable (kernels.h) with AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels::avx2 {

void rms_norm(const float* x, const float* gain, int64_t n, float eps, float* y);
void layer_norm(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y);
void add(float* x, const float* y, int64_t n);
void scale(float* x, float factor, int64_t n);
void silu_mul(float* gate, const float* up, int64_t n);
void gelu(float* x, int64_t n);
void rope(float* head, const float* cos_sin, int64_t n_rot, bool neox);
void softmax(float* x, int64_t n);
float dot(const float* x, const float* y, int64_t n);
int64_t argmax(const float* x, int64_t n);
void to_half(const float* x, int64_t n, Half* out);
void from_half(const Half* x, int64_t n, float* out);

}  // namespace docmind::kernels::avx2
