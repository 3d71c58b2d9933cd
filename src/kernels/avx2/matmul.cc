// Products with quantized matrices: straight from the panel for few rows, else unpacked once.
//
// The register tile is one panel (two registers of 8 rows) by 3 activation rows.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/matmul.h"

#include "kernels/avx2/product.h"

namespace docmind::kernels::avx2 {
namespace {

// How far ahead of the products a panel is fetched. Its instructions fill the window in which the
// processor finds independent loads; on AVX-512, which has half as many, prefetching gains nothing.
constexpr size_t kPrefetchBytes = 4096;

// Activation rows of a register tile: 2 x 3 sums of 8 rows each, or 6 rows of two nibbles.
template <typename Trait>
constexpr int64_t kRegisterRows = Trait::kSplit ? 6 : 3;

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
  int64_t n_rows(int64_t p) const { return w.rows - p * kPanelRows; }
};

struct Output {
  float* y;
  int64_t stride;
  int64_t n_rows;
  Vec first;  // what the sums start from

  template <int T>
  void store(const __m256 (&total)[2][T]) const {
#pragma GCC unroll 6
    for (int t = 0; t < T; ++t) store_rows(y + t * stride, n_rows, total[0][t], total[1][t]);
  }
};

template <int T>
inline void start_sums(const Output& out, __m256 (&total)[2][T]) {
#pragma GCC unroll 6
  for (int t = 0; t < T; ++t) {
    total[0][t] = out.first.half[0];
    total[1][t] = out.first.half[1];
  }
}

template <typename F, int T>
DOCMIND_INLINE void direct_panel(const std::byte* data, int64_t cols, const TileView& x, const Output& out) {
  constexpr int kBlocks = F::Panel::kCols / 32;
  const auto* panels = reinterpret_cast<const typename F::Panel*>(data);
  __m256 total[2][T];
  start_sums(out, total);
  for (int64_t p = 0; p < cols / F::Panel::kCols; ++p) {
    const auto& panel = panels[p];
    const typename F::Scales scales(panel);
    const auto* ahead = reinterpret_cast<const char*>(&panel) + kPrefetchBytes;
    for (int b = 0; b < kBlocks; ++b) {
      constexpr size_t kBytes = sizeof(panel) / kBlocks;
#pragma GCC unroll 9
      for (size_t line = 0; line < kBytes; line += 64) {
        _mm_prefetch(ahead + static_cast<size_t>(b) * kBytes + line, _MM_HINT_T0);
      }
      const auto dot = [&](int first, const int8_t* four, int64_t stride, __m256i (&dots)[2][T]) __attribute__((always_inline)) {
        constexpr int kGroups = F::Trait::kHalfScales ? 4 : 8;
        dot_groups<typename F::Trait, kGroups, T>([&](int g) { return F::group(panel, b, first + g); }, four,
                                                  stride, dots);
      };
      multiply_block<typename F::Trait, T>(dot, [&](int half) { return scales.scale(panel, b, half); },
                                           [&] { return scales.min(panel, b); }, x, p * kBlocks + b, total);
    }
  }
  out.store(total);
}

// Up to so many rows, taking a panel apart again for every few rows costs less than unpacking it.
constexpr int64_t kMaxDirectRows = 12;

template <typename F, int T>
void direct_rows(const Job& job, int64_t p, int64_t row) {
  const int64_t lane = row % kActivationTile;
  direct_panel<F, T>(job.panel(p), job.w.cols, tile_view(job.x, row - lane, lane),
                     {job.y + row * job.y_stride + p * kPanelRows, job.y_stride, job.n_rows(p),
                      first_sums(job.w, p)});
}

// Three rows are half a tile: no piece crosses from one tile into the next.
template <typename F>
void direct(const Job& job) {
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    for (int64_t row = 0; row < job.x.n_rows; row += 3) {
      switch (job.x.n_rows - row) {
        case 1: direct_rows<F, 1>(job, p, row); break;
        case 2: direct_rows<F, 2>(job, p, row); break;
        default: direct_rows<F, 3>(job, p, row); break;
      }
    }
  }
}

// One panel, unpacked.
struct Unpacked {
  std::byte* codes;  // [n_blocks][8][64], of nibbles [n_blocks][8][2][64]
  float* scales;     // [n_blocks * (1 or 2)][16]
  float* mins;       // [n_blocks][16]

  Unpacked(std::byte* scratch, int64_t cols)
    : codes(scratch), scales(reinterpret_cast<float*>(scratch + 2 * cols * kPanelRows)),
      mins(scales + cols / 16 * kPanelRows) {}
};

inline void store(const Vec& from, float* to) {
  _mm256_storeu_ps(to, from.half[0]);
  _mm256_storeu_ps(to + 8, from.half[1]);
}
inline Vec load(const float* from) {
  return {{_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}};
}

template <typename Trait>
constexpr int64_t kBlockBytes = Trait::kSplit ? 1024 : 512;

template <typename F>
void unpack_codes(const typename F::Panel& panel, int b, std::byte* out) {
  auto* codes = reinterpret_cast<__m256i*>(out);
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g) {
    if constexpr (F::UnpackedTrait::kSplit) {
      const Codes raw = load_group(panel.codes[g]);
      for (int h = 0; h < 2; ++h) {
        _mm256_storeu_si256(codes + 4 * g + h, nibbles(raw.half[h], 4));
        _mm256_storeu_si256(codes + 4 * g + 2 + h, nibbles(raw.half[h], 0));
      }
    } else {
      const Codes group = F::group(panel, b, g);
      _mm256_storeu_si256(codes + 2 * g, group.half[0]);
      _mm256_storeu_si256(codes + 2 * g + 1, group.half[1]);
    }
  }
}

template <typename F>
void unpack_panel(const std::byte* data, int64_t cols, const Unpacked& out) {
  constexpr int kBlocks = F::Panel::kCols / 32;
  constexpr int kHalves = F::Trait::kHalfScales ? 2 : 1;
  const auto* panels = reinterpret_cast<const typename F::Panel*>(data);
  for (int64_t p = 0; p < cols / F::Panel::kCols; ++p) {
    const typename F::Scales scales(panels[p]);
    for (int b = 0; b < kBlocks; ++b) {
      const int64_t block = p * kBlocks + b;
      unpack_codes<F>(panels[p], b, out.codes + block * kBlockBytes<typename F::UnpackedTrait>);
      for (int half = 0; half < kHalves; ++half) {
        store(scales.scale(panels[p], b, half), out.scales + (block * kHalves + half) * kPanelRows);
      }
      if constexpr (F::Trait::kMin) store(scales.min(panels[p], b), out.mins + block * kPanelRows);
    }
  }
}

template <typename Trait, int T>
__attribute__((noinline)) void multiply_tile(const Unpacked& w, int64_t cols, TileView x, const Output& out) {
  constexpr int kHalves = Trait::kHalfScales ? 2 : 1;
  __m256 total[2][T];
  start_sums(out, total);
  for (int64_t block = 0; block < cols / 32; ++block) {
    const std::byte* codes = w.codes + block * kBlockBytes<Trait>;
    const auto dot = [&](int first, const int8_t* four, int64_t stride, __m256i (&dots)[2][T]) __attribute__((always_inline)) {
      if constexpr (Trait::kSplit) {
        dot_nibbles<T>(codes, four, stride, dots);
      } else {
        const auto* groups = reinterpret_cast<const __m256i*>(codes) + 2 * first;
        const auto group = [&](int g) -> Codes {
          return {{_mm256_loadu_si256(groups + 2 * g), _mm256_loadu_si256(groups + 2 * g + 1)}};
        };
        dot_groups<Trait, 8 / kHalves, T>(group, four, stride, dots);
      }
    };
    multiply_block<Trait, T>(
        dot, [&](int half) { return load(w.scales + (block * kHalves + half) * kPanelRows); },
        [&] { return load(w.mins + block * kPanelRows); }, x, block, total);
  }
  out.store(total);
}

// As many of the `n` next rows of a tile as fit into the registers; returns how many.
template <typename Trait>
int64_t multiply_rows(const Unpacked& w, int64_t cols, const TileView& x, int64_t n, const Output& out) {
  if constexpr (kRegisterRows<Trait> == 6) {
    if (n == 6) return multiply_tile<Trait, 6>(w, cols, x, out), 6;
  }
  switch (n) {
    case 1: multiply_tile<Trait, 1>(w, cols, x, out); return 1;
    case 2: multiply_tile<Trait, 2>(w, cols, x, out); return 2;
    default: multiply_tile<Trait, 3>(w, cols, x, out); return 3;
  }
}

template <typename F>
void tiled(const Job& job) {
  using Trait = typename F::UnpackedTrait;
  const int64_t cols = job.w.cols;
  const Unpacked w(job.scratch, cols);
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    unpack_panel<F>(job.panel(p), cols, w);
    const Vec first = first_sums(job.w, p);
    for (int64_t row = 0; row < job.x.n_rows;) {
      const int64_t lane = row % kActivationTile;
      const TileView x = tile_view(job.x, row - lane, lane);
      const Output out{job.y + row * job.y_stride + p * kPanelRows, job.y_stride, job.n_rows(p), first};
      row += multiply_rows<Trait>(w, cols, x, x.width - lane, out);
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

}  // namespace docmind::kernels::avx2
