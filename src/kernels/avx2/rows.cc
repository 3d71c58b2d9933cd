// Row functions: simd/rows.h compiled for AVX2.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/rows.h"

#include "kernels/simd/avx2.h"
#include "kernels/simd/rows.h"

namespace docmind::kernels::avx2 {

void rms_norm(const float* x, const float* gain, int64_t n, float eps, float* y) {
  simd::rms_norm<Floats>(x, gain, n, eps, y);
}
void layer_norm(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y) {
  simd::layer_norm<Floats>(x, gain, bias, n, eps, y);
}
void add(float* x, const float* y, int64_t n) { simd::add<Floats>(x, y, n); }
void scale(float* x, float factor, int64_t n) { simd::scale<Floats>(x, factor, n); }
void silu_mul(float* gate, const float* up, int64_t n) { simd::silu_mul<Floats>(gate, up, n); }
void gelu(float* x, int64_t n) { simd::gelu<Floats>(x, n); }
void rope(float* head, const float* cos_sin, int64_t n_rot, bool neox) {
  simd::rope<Floats>(head, cos_sin, n_rot, neox);
}
void softmax(float* x, int64_t n) { simd::softmax<Floats>(x, n); }
float dot(const float* x, const float* y, int64_t n) { return simd::dot<Floats>(x, y, n); }
int64_t argmax(const float* x, int64_t n) { return simd::argmax<Floats>(x, n); }
void to_half(const float* x, int64_t n, Half* out) { simd::to_half<Floats>(x, n, out); }
void from_half(const Half* x, int64_t n, float* out) { simd::from_half<Floats>(x, n, out); }

}  // namespace docmind::kernels::avx2
