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

// Panel [cols][16] against T rows [cols][T]. With few rows several columns are summed apart, so that
// the additions do not wait for each other.
template <typename L, int T>
inline void multiply_panel(const typename L::Element* w, int64_t cols, const float* x, const Vec& first, float* y,
                           int64_t y_stride, int64_t n_rows) {
  constexpr int kChains = T >= 4 ? 1 : T >= 2 ? 2 : 4;
  __m256 total[kChains][2][T];
#pragma GCC unroll 24
  for (int i = 0; i < kChains * 2 * T; ++i) total[i / (2 * T)][i / T % 2][i % T] = _mm256_setzero_ps();
  const auto column = [&](int64_t c, __m256 (&sums)[2][T]) __attribute__((always_inline)) {
    const Vec weights = L::load(w + c * kPanelRows);
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) {
      const __m256 value = _mm256_broadcast_ss(x + c * T + t);
      sums[0][t] = _mm256_fmadd_ps(weights.half[0], value, sums[0][t]);
      sums[1][t] = _mm256_fmadd_ps(weights.half[1], value, sums[1][t]);
    }
  };
  int64_t c = 0;
  for (; c + kChains <= cols; c += kChains) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains; ++chain) column(c + chain, total[chain]);
  }
  for (; c < cols; ++c) column(c, total[0]);
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) {
    __m256 sum[2] = {_mm256_add_ps(first.half[0], total[0][0][t]), _mm256_add_ps(first.half[1], total[0][1][t])};
#pragma GCC unroll 4
    for (int chain = 1; chain < kChains; ++chain) {
      sum[0] = _mm256_add_ps(sum[0], total[chain][0][t]);
      sum[1] = _mm256_add_ps(sum[1], total[chain][1][t]);
    }
    store_rows(y + t * y_stride, n_rows, sum[0], sum[1]);
  }
}

template <typename L>
void multiply_float(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
                    float* y, int64_t y_stride) {
  const auto* data = reinterpret_cast<const typename L::Element*>(w.data);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const auto* panel = data + p * w.cols * kPanelRows;
    const int64_t n_rows = w.rows - p * kPanelRows;
    const Vec first = first_sums(w, p);
    for (int64_t tile = 0; tile < x.n_rows; tile += kActivationTile) {
      const float* values = x.values + tile * x.cols;
      float* out = y + tile * y_stride + p * kPanelRows;
      switch (x.tile_width(tile)) {
        case 1: multiply_panel<L, 1>(panel, w.cols, values, first, out, y_stride, n_rows); break;
        case 2: multiply_panel<L, 2>(panel, w.cols, values, first, out, y_stride, n_rows); break;
        case 3: multiply_panel<L, 3>(panel, w.cols, values, first, out, y_stride, n_rows); break;
        case 4: multiply_panel<L, 4>(panel, w.cols, values, first, out, y_stride, n_rows); break;
        case 5: multiply_panel<L, 5>(panel, w.cols, values, first, out, y_stride, n_rows); break;
        default: multiply_panel<L, 6>(panel, w.cols, values, first, out, y_stride, n_rows); break;
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

}  // namespace docmind::kernels::avx2
