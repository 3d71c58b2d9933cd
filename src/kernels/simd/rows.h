// Row functions of KernelTable (kernels.h) over vectors. V is avx2::Floats or avx512::Floats.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/simd/exp.h"
#include "kernels/tensor_type.h"

namespace docmind::kernels::simd {

// x[i..] = f(x[i..], i, lanes) for all of x; the last vector may have fewer lanes, filled with zeros.
template <class V, class F>
void map(const float* x, int64_t n, float* out, F f) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) f(V::load(x + i), i, V::kLanes).store(out + i);
  if (i < n) f(V::load_first(x + i, n - i), i, n - i).store_first(out + i, n - i);
}

template <class V>
V load_lanes(const float* p, int64_t lanes) {
  return lanes == V::kLanes ? V::load(p) : V::load_first(p, lanes);
}

// sum of f(vector of x at i, i, lanes); four sums hide the latency of the additions. f must give 0
// in the lanes that are beyond `lanes`.
template <class V, class F>
float total(const float* x, int64_t n, F f) {
  V sum[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  int64_t i = 0;
  for (; i + 4 * V::kLanes <= n; i += 4 * V::kLanes) {
    for (int64_t j = 0; j < 4; ++j) {
      const int64_t at = i + j * V::kLanes;
      sum[j] = f(V::load(x + at), at, V::kLanes, sum[j]);
    }
  }
  for (; i + V::kLanes <= n; i += V::kLanes) sum[0] = f(V::load(x + i), i, V::kLanes, sum[0]);
  if (i < n) sum[1] = f(V::load_first(x + i, n - i), i, n - i, sum[1]);
  return sum_of((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class V>
float largest(const float* x, int64_t n) {
  const V least = V::all(-__builtin_inff());
  V best[2] = {least, least};
  int64_t i = 0;
  for (; i + 2 * V::kLanes <= n; i += 2 * V::kLanes) {
    best[0] = max(V::load(x + i), best[0]);
    best[1] = max(V::load(x + i + V::kLanes), best[1]);
  }
  for (; i < n; i += V::kLanes) {
    const int64_t lanes = n - i < V::kLanes ? n - i : V::kLanes;
    best[0] = max(V::load_first(x + i, lanes, least), best[0]);
  }
  return max_of(max(best[0], best[1]));
}

template <class V>
void rms_norm(const float* x, const float* gain, int64_t n, float eps, float* y) {
  const float squares = total<V>(x, n, [](V a, int64_t, int64_t, V sum) { return fma(a, a, sum); });
  const V factor = V::all(1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + eps));
  map<V>(x, n, y, [&](V a, int64_t i, int64_t lanes) { return a * factor * load_lanes<V>(gain + i, lanes); });
}

template <class V>
void layer_norm(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y) {
  const float sum = total<V>(x, n, [](V a, int64_t, int64_t, V s) { return s + a; });
  const V mean = V::all(sum / static_cast<float>(n));
  const float squares = total<V>(x, n, [&](V a, int64_t i, int64_t lanes, V s) {
    const V centred = lanes == V::kLanes ? a - mean : V::load_first(x + i, lanes, mean) - mean;
    return fma(centred, centred, s);
  });
  const V factor = V::all(1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + eps));
  map<V>(x, n, y, [&](V a, int64_t i, int64_t lanes) {
    return fma((a - mean) * factor, load_lanes<V>(gain + i, lanes), load_lanes<V>(bias + i, lanes));
  });
}

template <class V>
void add(float* x, const float* y, int64_t n) {
  map<V>(x, n, x, [&](V a, int64_t i, int64_t lanes) { return a + load_lanes<V>(y + i, lanes); });
}

template <class V>
void scale(float* x, float factor, int64_t n) {
  map<V>(x, n, x, [&](V a, int64_t, int64_t) { return a * V::all(factor); });
}

template <class V>
void silu_mul(float* gate, const float* up, int64_t n) {
  const V one = V::all(1.0f);
  map<V>(gate, n, gate, [&](V a, int64_t i, int64_t lanes) {
    return a / (one + exp(V::zero() - a)) * load_lanes<V>(up + i, lanes);
  });
}

template <class V>
void gelu(float* x, int64_t n) {
  const V one = V::all(1.0f);
  const V minus_2u = V::all(-2.0f * 0.79788456080286535588f);  // sqrt(2 / pi)
  map<V>(x, n, x, [&](V a, int64_t, int64_t) {
    // 0.5 (1 + tanh(u)) is 1 / (1 + exp(-2 u)), which keeps its digits where tanh is near -1.
    return a / (one + exp(minus_2u * a * fma(V::all(0.044715f) * a, a, one)));
  });
}

// Pairs of neighbours; n_rot is even, so a vector never cuts one.
template <class V>
void rope_neighbours(float* head, const float* cos_sin, int64_t n_rot) {
  map<V>(head, n_rot, head, [&](V a, int64_t i, int64_t lanes) {
    const V turn = load_lanes<V>(cos_sin + i, lanes);
    return fma_alternating(a, duplicate_even(turn), swap_pairs(a) * duplicate_odd(turn));
  });
}

template <class V>
void rope_halves(float* head, const float* cos_sin, int64_t n_rot) {
  const int64_t half = n_rot / 2;
  int64_t i = 0;
  for (; i + V::kLanes <= half; i += V::kLanes) {
    V cosine, sine;
    V::load_pairs(cos_sin + 2 * i, cosine, sine);
    const V first = V::load(head + i);
    const V second = V::load(head + half + i);
    fnma(second, sine, first * cosine).store(head + i);
    fma(second, cosine, first * sine).store(head + half + i);
  }
  for (; i < half; ++i) {
    const float cosine = cos_sin[2 * i];
    const float sine = cos_sin[2 * i + 1];
    const float first = head[i];
    const float second = head[half + i];
    head[i] = first * cosine - second * sine;
    head[half + i] = first * sine + second * cosine;
  }
}

template <class V>
void rope(float* head, const float* cos_sin, int64_t n_rot, bool neox) {
  if (neox) {
    rope_halves<V>(head, cos_sin, n_rot);
  } else {
    rope_neighbours<V>(head, cos_sin, n_rot);
  }
}

template <class V>
void softmax(float* x, int64_t n) {
  if (n == 0) return;
  const V top = V::all(largest<V>(x, n));
  map<V>(x, n, x, [&](V a, int64_t, int64_t) { return exp(a - top); });
  const float sum = total<V>(x, n, [](V a, int64_t, int64_t, V s) { return s + a; });
  scale<V>(x, 1.0f / sum, n);
}

template <class V>
float dot(const float* x, const float* y, int64_t n) {
  return total<V>(x, n, [&](V a, int64_t i, int64_t lanes, V s) { return fma(a, load_lanes<V>(y + i, lanes), s); });
}

template <class V>
int64_t argmax(const float* x, int64_t n) {
  const float best = largest<V>(x, n);
  const V top = V::all(best);
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    const int64_t lane = find(V::load(x + i), top);
    if (lane < V::kLanes) return i + lane;
  }
  for (; i < n; ++i) {
    if (x[i] == best) return i;
  }
  return 0;  // nothing but NaN
}

template <class V>
void to_half(const float* x, int64_t n, Half* out) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::load(x + i).store(out + i);
  if (i < n) V::load_first(x + i, n - i).store_first(out + i, n - i);
}

template <class V>
void from_half(const Half* x, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::load(x + i).store(out + i);
  if (i < n) V::load_first(x + i, n - i).store_first(out + i, n - i);
}

}  // namespace docmind::kernels::simd
