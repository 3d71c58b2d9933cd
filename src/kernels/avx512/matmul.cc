// Products with quantized matrices: the choice between direct and tiled, and its loops.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/matmul.h"

#include "kernels/avx512/direct.h"
#include "kernels/avx512/tiled.h"

namespace docmind::kernels::avx512 {
namespace {

struct Job {
  const PackedMatrix& w;
  const Activations& x;
  int64_t panel_begin;
  int64_t panel_end;
  float* y;
  int64_t y_stride;
  std::byte* scratch;
  size_t panel_stride;

  const std::byte* panel(int64_t p) const { return w.data + static_cast<size_t>(p) * panel_stride; }
  __mmask16 mask(int64_t p) const { return row_mask(w.rows - p * kPanelRows); }
};

// Up to so many rows, codes go from the panel into the products of two tiles after the other: taking
// a panel apart again costs less than unpacking it.
constexpr int64_t kMaxDirectRows = 48;

// The T rows of the tile at `tile` and, with U > 0, the next U.
template <typename F, int T, int U>
void direct_tiles(const Job& job, int64_t p, int64_t tile) {
  const TileView x = tile_view(job.x, tile);
  const TileView next = U > 0 ? tile_view(job.x, tile + T) : x;
  direct_panel<F, T, U>(job.panel(p), job.w.cols, x, next, first_sum(panel_bias(job.w, p), job.mask(p)),
                        job.y + tile * job.y_stride + p * kPanelRows, job.y_stride, job.mask(p));
}

// As many of the rows from `tile` on as there are, 12 at most.
template <typename F>
void direct_rows(const Job& job, int64_t p, int64_t tile) {
  switch (job.x.n_rows - tile) {
    case 1: return direct_tiles<F, 1, 0>(job, p, tile);
    case 2: return direct_tiles<F, 2, 0>(job, p, tile);
    case 3: return direct_tiles<F, 3, 0>(job, p, tile);
    case 4: return direct_tiles<F, 4, 0>(job, p, tile);
    case 5: return direct_tiles<F, 5, 0>(job, p, tile);
    case 6: return direct_tiles<F, 6, 0>(job, p, tile);
    case 7: return direct_tiles<F, 6, 1>(job, p, tile);
    case 8: return direct_tiles<F, 6, 2>(job, p, tile);
    case 9: return direct_tiles<F, 6, 3>(job, p, tile);
    case 10: return direct_tiles<F, 6, 4>(job, p, tile);
    case 11: return direct_tiles<F, 6, 5>(job, p, tile);
    default: return direct_tiles<F, 6, 6>(job, p, tile);
  }
}

template <typename F>
void direct(const Job& job) {
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    for (int64_t tile = 0; tile < job.x.n_rows; tile += 2 * kActivationTile) direct_rows<F>(job, p, tile);
  }
}

// One tile that is narrower than the others, or beside a single panel.
template <typename Trait>
void narrow_tile(const Unpacked& w, int place, int64_t cols, const TileView& x, int64_t width, float* y,
                 int64_t y_stride, const float* bias, __mmask16 rows) {
  const __mmask16 masks[kTilePanels] = {rows, 0};
  switch (width) {
    case 1: return multiply_tile<Trait, 1, 1>(w, place, cols, x, y, y_stride, bias, masks);
    case 2: return multiply_tile<Trait, 1, 2>(w, place, cols, x, y, y_stride, bias, masks);
    case 3: return multiply_tile<Trait, 1, 3>(w, place, cols, x, y, y_stride, bias, masks);
    case 4: return multiply_tile<Trait, 1, 4>(w, place, cols, x, y, y_stride, bias, masks);
    case 5: return multiply_tile<Trait, 1, 5>(w, place, cols, x, y, y_stride, bias, masks);
    default: return multiply_tile<Trait, 1, 6>(w, place, cols, x, y, y_stride, bias, masks);
  }
}

template <typename F>
void tiled(const Job& job) {
  using Trait = typename F::Trait;
  const int64_t cols = job.w.cols;
  const Unpacked unpacked(job.scratch, cols);
  for (int64_t p = job.panel_begin; p < job.panel_end; p += kTilePanels) {
    const int n_panels = job.panel_end - p < kTilePanels ? 1 : 2;
    const __mmask16 masks[kTilePanels] = {job.mask(p), n_panels == 2 ? job.mask(p + 1) : __mmask16{0}};
    for (int place = 0; place < n_panels; ++place) unpack_panel<F>(job.panel(p + place), cols, place, unpacked);
    for (int64_t tile = 0; tile < job.x.n_rows; tile += kActivationTile) {
      const TileView x = tile_view(job.x, tile);
      const int64_t width = job.x.tile_width(tile);
      float* y = job.y + tile * job.y_stride + p * kPanelRows;
      if (width == kActivationTile && n_panels == 2) {
        multiply_tile<Trait, 2, kActivationTile>(unpacked, 0, cols, x, y, job.y_stride, panel_bias(job.w, p), masks);
        continue;
      }
      for (int place = 0; place < n_panels; ++place) {
        narrow_tile<Trait>(unpacked, place, cols, x, width, y + place * kPanelRows, job.y_stride,
                           panel_bias(job.w, p + place), masks[place]);
      }
    }
  }
}

template <typename F>
void multiply(const Job& job) {
  return job.x.n_rows <= kMaxDirectRows ? direct<F>(job) : tiled<F>(job);
}

}  // namespace

void matmul(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
            float* y, int64_t y_stride, std::byte* scratch) {
  const Job job{w, x, panel_begin, panel_end, y, y_stride, scratch, panel_bytes(w.type, w.cols)};
  switch (w.type) {
    case TensorType::kQ8_0: return multiply<FormatQ8_0>(job);
    case TensorType::kQ4_0: return multiply<FormatQ4_0>(job);
    case TensorType::kQ4_K: return multiply<FormatQ4_K>(job);
    case TensorType::kQ5_K: return multiply<FormatQ5_K>(job);
    case TensorType::kQ6_K: return multiply<FormatQ6_K>(job);
    case TensorType::kF32:
    case TensorType::kF16:
    case TensorType::kBF16: return matmul_float(w, x, panel_begin, panel_end, y, y_stride, scratch);
  }
}

}  // namespace docmind::kernels::avx512
