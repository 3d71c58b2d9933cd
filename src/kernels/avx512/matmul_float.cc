// Products with matrices of floats, halves and bfloat16: float multiply-adds throughout.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/avx512/matmul.h"
#include "kernels/avx512/product.h"

namespace docmind::kernels::avx512 {
namespace {

struct LoadF32 {
  using Element = float;
  static __m512 load(const Element* from) { return _mm512_loadu_ps(from); }
};
struct LoadF16 {
  using Element = uint16_t;
  static __m512 load(const Element* from) { return load_halves(from); }
};
struct LoadBF16 {
  using Element = uint16_t;
  static __m512 load(const Element* from) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
};

// R panels [cols][16] against T rows [cols][T]; `bias` is the first panel's part or null. Every sum is
// one chain over the columns, so that a row's result does not depend on how many rows there are: with
// few rows it is more panels that keep the additions from waiting for each other.
template <typename L, int R, int T>
inline void multiply_panels(const typename L::Element* const (&w)[R], int64_t cols, const float* x,
                            float* y, int64_t y_stride, const float* bias, const __mmask16 (&rows)[R]) {
  __m512 total[R][T];
#pragma GCC unroll 24
  for (int i = 0; i < R * T; ++i) total[i / T][i % T] = _mm512_setzero_ps();
  for (int64_t c = 0; c < cols; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const __m512 weights = L::load(w[r] + c * kPanelRows);
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) total[r][t] = _mm512_fmadd_ps(weights, _mm512_set1_ps(x[c * T + t]), total[r][t]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    const __m512 first = first_sum(bias == nullptr ? nullptr : bias + r * kPanelRows, rows[r]);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      _mm512_mask_storeu_ps(y + t * y_stride + r * kPanelRows, rows[r], _mm512_add_ps(first, total[r][t]));
    }
  }
}

// R panels from panel `p` on against all rows.
template <typename L, int R>
void multiply_rows(const PackedMatrix& w, const Activations& x, int64_t p, float* y, int64_t y_stride) {
  const typename L::Element* panels[R];
  __mmask16 masks[R];
  for (int r = 0; r < R; ++r) {
    panels[r] = reinterpret_cast<const typename L::Element*>(w.data) + (p + r) * w.cols * kPanelRows;
    masks[r] = row_mask(w.rows - (p + r) * kPanelRows);
  }
  for (int64_t tile = 0; tile < x.n_rows; tile += kActivationTile) {
    const auto multiply = [&]<int T>() {
      if constexpr (R * T <= 12) {
        multiply_panels<L, R, T>(panels, w.cols, x.values + tile * x.cols, y + tile * y_stride + p * kPanelRows,
                                 y_stride, panel_bias(w, p), masks);
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
  if (x.n_rows <= 3) {
    for (; p + 4 <= panel_end; p += 4) multiply_rows<L, 4>(w, x, p, y, y_stride);
  }
  for (; p + 2 <= panel_end; p += 2) multiply_rows<L, 2>(w, x, p, y, y_stride);
  if (p < panel_end) multiply_rows<L, 1>(w, x, p, y, y_stride);
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

}  // namespace docmind::kernels::avx512
