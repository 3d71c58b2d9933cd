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

// Panel [cols][16] against T rows [cols][T]. With one or two rows several columns are summed apart,
// so that the additions do not wait for each other.
template <typename L, int R, int T>
inline void multiply_panels(const typename L::Element* const (&w)[R], int64_t cols, const float* x,
                            float* y, int64_t y_stride, const float* bias, const __mmask16 (&rows)[R]) {
  constexpr int kChains = R * T >= 6 ? 1 : R * T >= 3 ? 2 : 6;
  __m512 total[kChains][R][T];
#pragma GCC unroll 36
  for (int i = 0; i < kChains * R * T; ++i) total[i / (R * T)][i / T % R][i % T] = _mm512_setzero_ps();
  const auto column = [&](int64_t c, __m512 (&sums)[R][T]) __attribute__((always_inline)) {
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      const __m512 weights = L::load(w[r] + c * kPanelRows);
#pragma GCC unroll 6
      for (int t = 0; t < T; ++t) sums[r][t] = _mm512_fmadd_ps(weights, _mm512_set1_ps(x[c * T + t]), sums[r][t]);
    }
  };
  int64_t c = 0;
  for (; c + kChains <= cols; c += kChains) {
#pragma GCC unroll 6
    for (int chain = 0; chain < kChains; ++chain) column(c + chain, total[chain]);
  }
  for (; c < cols; ++c) column(c, total[0]);
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    const __m512 first = first_sum(bias == nullptr ? nullptr : bias + r * kPanelRows, rows[r]);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      __m512 sum = _mm512_add_ps(first, total[0][r][t]);
#pragma GCC unroll 6
      for (int chain = 1; chain < kChains; ++chain) sum = _mm512_add_ps(sum, total[chain][r][t]);
      _mm512_mask_storeu_ps(y + t * y_stride + r * kPanelRows, rows[r], sum);
    }
  }
}

template <typename L>
void one_panel(const typename L::Element* w, int64_t cols, const float* x, int64_t width, float* y,
               int64_t y_stride, const float* bias, __mmask16 rows) {
  const typename L::Element* const panels[1] = {w};
  const __mmask16 masks[1] = {rows};
  switch (width) {
    case 1: return multiply_panels<L, 1, 1>(panels, cols, x, y, y_stride, bias, masks);
    case 2: return multiply_panels<L, 1, 2>(panels, cols, x, y, y_stride, bias, masks);
    case 3: return multiply_panels<L, 1, 3>(panels, cols, x, y, y_stride, bias, masks);
    case 4: return multiply_panels<L, 1, 4>(panels, cols, x, y, y_stride, bias, masks);
    case 5: return multiply_panels<L, 1, 5>(panels, cols, x, y, y_stride, bias, masks);
    default: return multiply_panels<L, 1, 6>(panels, cols, x, y, y_stride, bias, masks);
  }
}

template <typename L>
void multiply_float(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
                    float* y, int64_t y_stride) {
  using Element = typename L::Element;
  const auto* data = reinterpret_cast<const Element*>(w.data);
  const auto panel = [&](int64_t p) { return data + p * w.cols * kPanelRows; };
  for (int64_t p = panel_begin; p < panel_end; p += 2) {
    const int n_panels = panel_end - p < 2 ? 1 : 2;
    for (int64_t tile = 0; tile < x.n_rows; tile += kActivationTile) {
      const int64_t width = x.tile_width(tile);
      const float* values = x.values + tile * x.cols;
      float* out = y + tile * y_stride + p * kPanelRows;
      if (n_panels == 2 && width == kActivationTile) {
        const Element* const panels[2] = {panel(p), panel(p + 1)};
        const __mmask16 masks[2] = {row_mask(w.rows - p * kPanelRows), row_mask(w.rows - (p + 1) * kPanelRows)};
        multiply_panels<L, 2, kActivationTile>(panels, w.cols, values, out, y_stride, panel_bias(w, p), masks);
        continue;
      }
      for (int place = 0; place < n_panels; ++place) {
        one_panel<L>(panel(p + place), w.cols, values, width, out + place * kPanelRows, y_stride,
                     panel_bias(w, p + place), row_mask(w.rows - (p + place) * kPanelRows));
      }
    }
  }
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
