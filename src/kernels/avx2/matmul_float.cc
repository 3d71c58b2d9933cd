// Products with matrices of floats, halves and bfloat16: float multiply-adds throughout.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/avx2/matmul.h"
#include "kernels/avx2/product.h"

namespace docmind::kernels::avx2 {
namespace {

struct LoadF32 {
  using Element = float;
  static Vec load(const Element* from) { return {{_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}}; }
};
struct LoadF16 {
  using Element = uint16_t;
  static Vec load(const Element* from) { return load_halves(from); }
};
struct LoadBF16 {
  using Element = uint16_t;
  static __m256 widen(const Element* from) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static Vec load(const Element* from) { return {{widen(from), widen(from + 8)}}; }
};

// R panels [cols][16] against T rows [cols][T]. Every sum is one chain over the columns, so that a
// row's result does not depend on how many rows there are: with few rows it is more panels that keep
// the additions from waiting for each other.
template <typename L, int R, int T>
inline void multiply_panels(const typename L::Element* const (&w)[R], int64_t cols, const float* x,
                            const Vec (&first)[R], float* y, int64_t y_stride, int64_t n_rows) {
  __m256 total[R][2][T];
#pragma GCC unroll 16
  for (int i = 0; i < R * 2 * T; ++i) total[i / (2 * T)][i / T % 2][i % T] = _mm256_setzero_ps();
  for (int64_t c = 0; c < cols; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Vec weights = L::load(w[r] + c * kPanelRows);
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) {
        const __m256 value = _mm256_broadcast_ss(x + c * T + t);
        total[r][0][t] = _mm256_fmadd_ps(weights.half[0], value, total[r][0][t]);
        total[r][1][t] = _mm256_fmadd_ps(weights.half[1], value, total[r][1][t]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      store_rows(y + t * y_stride + r * kPanelRows, n_rows - r * kPanelRows,
                 _mm256_add_ps(first[r].half[0], total[r][0][t]), _mm256_add_ps(first[r].half[1], total[r][1][t]));
    }
  }
}

// R panels from panel `p` on against all rows.
template <typename L, int R>
void multiply_rows(const PackedMatrix& w, const Activations& x, int64_t p, float* y, int64_t y_stride) {
  const typename L::Element* panels[R];
  Vec first[R];
  for (int r = 0; r < R; ++r) {
    panels[r] = reinterpret_cast<const typename L::Element*>(w.data) + (p + r) * w.cols * kPanelRows;
    first[r] = first_sums(w, p + r);
  }
  for (int64_t tile = 0; tile < x.n_rows; tile += kActivationTile) {
    const auto multiply = [&]<int T>() {
      if constexpr (R == 1 || R * T <= 4) {
        multiply_panels<L, R, T>(panels, w.cols, x.values + tile * x.cols, first,
                                 y + tile * y_stride + p * kPanelRows, y_stride, w.rows - p * kPanelRows);
      }
    };
    switch (x.tile_width(tile)) {
      case 1: multiply.template operator()<1>(); break;
      case 2: multiply.template operator()<2>(); break;
      case 3: multiply.template operator()<3>(); break;
      case 4: multiply.template operator()<4>(); break;
      case 5: multiply.template operator()<5>(); break;
      default: multiply.template operator()<6>(); break;
    }
  }
}

template <typename L>
void multiply_float(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
                    float* y, int64_t y_stride) {
  int64_t p = panel_begin;
  if (x.n_rows == 1) {
    for (; p + 4 <= panel_end; p += 4) multiply_rows<L, 4>(w, x, p, y, y_stride);
  }
  if (x.n_rows <= 2) {
    for (; p + 2 <= panel_end; p += 2) multiply_rows<L, 2>(w, x, p, y, y_stride);
  }
  for (; p < panel_end; ++p) multiply_rows<L, 1>(w, x, p, y, y_stride);
}

}  // namespace

void matmul_float(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
                  float* y, int64_t y_stride, std::byte* /*scratch*/) {
  switch (w.type) {
    case TensorType::kF16: return multiply_float<LoadF16>(w, x, panel_begin, panel_end, y, y_stride);
    case TensorType::kBF16: return multiply_float<LoadBF16>(w, x, panel_begin, panel_end, y, y_stride);
    default: return multiply_float<LoadF32>(w, x, panel_begin, panel_end, y, y_stride);
  }
}

}  // namespace docmind::kernels::avx2
