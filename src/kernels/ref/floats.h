// Floats in plain C++: 16 floats, with those operations of simd/avx512.h that quantizing is written in, rounding
// exactly as the vector registers do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "kernels/half.h"

namespace docmind::kernels::ref {

struct Floats {
  float v[16];

  static constexpr int64_t kLanes = 16;

  static Floats zero() { return all(0.0f); }
  static Floats all(float x) {
    Floats out;
    std::fill(out.v, out.v + 16, x);
    return out;
  }
  static Floats load(const float* p) { return load_first(p, 16); }
  static Floats load_first(const float* p, int64_t n) {
    Floats out{};
    std::copy(p, p + n, out.v);
    return out;
  }
  void store(float* p) const { std::copy(v, v + 16, p); }
  void store(Half* p) const {
    for (int i = 0; i < 16; ++i) p[i] = float_to_half(v[i]);
  }

  friend Floats operator+(Floats a, Floats b) {
    for (int i = 0; i < 16; ++i) a.v[i] += b.v[i];
    return a;
  }
  friend Floats operator-(Floats a, Floats b) {
    for (int i = 0; i < 16; ++i) a.v[i] -= b.v[i];
    return a;
  }
  friend Floats operator*(Floats a, Floats b) {
    for (int i = 0; i < 16; ++i) a.v[i] *= b.v[i];
    return a;
  }
  friend Floats operator/(Floats a, Floats b) {
    for (int i = 0; i < 16; ++i) a.v[i] /= b.v[i];
    return a;
  }
  friend Floats fma(Floats a, Floats b, Floats c) {
    for (int i = 0; i < 16; ++i) a.v[i] = std::fma(a.v[i], b.v[i], c.v[i]);
    return a;
  }
  friend Floats fnma(Floats a, Floats b, Floats c) {
    for (int i = 0; i < 16; ++i) a.v[i] = std::fma(-a.v[i], b.v[i], c.v[i]);
    return a;
  }
  friend Floats max(Floats a, Floats b) {
    for (int i = 0; i < 16; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
  }
  friend Floats min(Floats a, Floats b) {
    for (int i = 0; i < 16; ++i) a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return a;
  }
  // To nearest even, of magnitudes below 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
  friend Floats round(Floats a) {
    constexpr float kNoFraction = 0x1.8p23f;
    for (float& x : a.v) x = (x + kNoFraction) - kNoFraction;
    return a;
  }
  friend float max_of(Floats a) { return *std::max_element(a.v, a.v + 16); }

  // rows[i] lane j becomes rows[j] lane i.
  static void transpose(Floats (&rows)[16]) {
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < i; ++j) std::swap(rows[i].v[j], rows[j].v[i]);
    }
  }
};

}  // namespace docmind::kernels::ref
