// Row functions, one element after the other. Sums are kept in double: these are the yardstick.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/rows.h"

#include <cmath>

#include "kernels/half.h"

namespace docmind::kernels::ref {

void rms_norm(const float* x, const float* gain, int64_t n, float eps, float* y) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  const float factor = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(n) + eps));
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * factor * gain[i];
}

void layer_norm(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + eps);
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>((x[i] - mean) * factor) * gain[i] + bias[i];
  }
}

void add(float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += y[i];
}

void scale(float* x, float factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

void silu_mul(float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

void gelu(float* x, int64_t n) {
  constexpr float kSqrt2OverPi = 0.79788456080286535588f;
  for (int64_t i = 0; i < n; ++i) {
    // 0.5 (1 + tanh(u)) is 1 / (1 + exp(-2 u)), which keeps its digits where tanh is near -1.
    const float u = kSqrt2OverPi * x[i] * (1.0f + 0.044715f * x[i] * x[i]);
    x[i] = x[i] / (1.0f + std::exp(-2.0f * u));
  }
}

void rope(float* head, const float* cos_sin, int64_t n_rot, bool neox) {
  const int64_t half = n_rot / 2;
  for (int64_t i = 0; i < half; ++i) {
    float& first = head[neox ? i : 2 * i];
    float& second = head[neox ? i + half : 2 * i + 1];
    const float cosine = cos_sin[2 * i];
    const float sine = cos_sin[2 * i + 1];
    const float rotated = first * cosine - second * sine;
    second = first * sine + second * cosine;
    first = rotated;
  }
}

void softmax(float* x, int64_t n) {
  if (n == 0) return;
  const float largest = x[argmax(x, n)];
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    x[i] = std::exp(x[i] - largest);
    sum += x[i];
  }
  scale(x, static_cast<float>(1.0 / sum), n);
}

float dot(const float* x, const float* y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * y[i];
  return static_cast<float>(sum);
}

int64_t argmax(const float* x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i) {
    if (x[i] > x[best]) best = i;
  }
  return best;
}

void to_half(const float* x, int64_t n, Half* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = float_to_half(x[i]);
}

void from_half(const Half* x, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = half_to_float(x[i]);
}

}  // namespace docmind::kernels::ref
