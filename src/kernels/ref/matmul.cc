// Matrix product and activations, one element at a time.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/matmul.h"

#include <algorithm>
#include <cmath>

#include "kernels/activation_place.h"
#include "kernels/ref/panel_codes.h"

namespace docmind::kernels {
namespace ref {
namespace {

void quantize_block(const float* x, const ActivationPlace& at, int64_t block, Activations& out) {
  float peak = 0;
  for (int i = 0; i < 32; ++i) peak = std::max(peak, std::fabs(x[i]));
  const float inverse = peak > 0 ? 127.0f / peak : 0.0f;
  int sums[2] = {0, 0};
  for (int i = 0; i < 32; ++i) {
    const auto code = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
    out.codes[at.code(block * 32 + i)] = code;
    sums[i / 16] += code;
  }
  const float scale = peak / 127.0f;
  out.scales[at.block(block)] = scale;
  out.offsets[at.block(block)] = -128 * (sums[0] + sums[1]);
  out.sums[at.block(block)] = scale * static_cast<float>(sums[0] + sums[1]);
  for (int half = 0; half < 2; ++half) out.offsets16[at.half_block(2 * block + half)] = -128 * sums[half];
}

float dot_quantized(const PackedMatrix& w, const std::byte* panel, int64_t row, const Activations& x, int64_t t) {
  const ActivationPlace at(x, t);
  float total = 0;
  for (int64_t block = 0; block < w.cols / kActivationBlock; ++block) {
    const RowBlock codes = panel_row_block(w.type, panel, row, block);
    int dots[2] = {0, 0};
    for (int i = 0; i < 32; ++i) dots[i / 16] += codes.codes[i] * x.codes[at.code(block * 32 + i)];
    const float scale = x.scales[at.block(block)];
    total += scale * (codes.scales[0] * static_cast<float>(dots[0]) + codes.scales[1] * static_cast<float>(dots[1]));
    total -= codes.min * x.sums[at.block(block)];
  }
  return total;
}

float dot_float(const PackedMatrix& w, const std::byte* panel, int64_t row, const Activations& x, int64_t t) {
  const ActivationPlace at(x, t);
  float total = 0;
  for (int64_t c = 0; c < w.cols; ++c) total += panel_float(w.type, panel, row, c) * x.values[at.value(c)];
  return total;
}

}  // namespace

void load_activations(const float* x, int64_t stride, int64_t row, int64_t n_rows, Activations& out) {
  for (int64_t t = row; t < row + n_rows; ++t, x += stride) {
    const ActivationPlace at(out, t);
    if (!out.quantized) {
      for (int64_t c = 0; c < out.cols; ++c) out.values[at.value(c)] = x[c];
      continue;
    }
    for (int64_t b = 0; b < out.cols / kActivationBlock; ++b) quantize_block(x + 32 * b, at, b, out);
  }
}

void matmul(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
            float* y, int64_t y_stride, std::byte* /*scratch*/) {
  const size_t stride = panel_bytes(w.type, w.cols);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const std::byte* panel = w.data + static_cast<size_t>(p) * stride;
    const int64_t n_rows = std::min(kPanelRows, w.rows - p * kPanelRows);
    for (int64_t row = 0; row < n_rows; ++row) {
      for (int64_t t = 0; t < x.n_rows; ++t) {
        const float dot = x.quantized ? dot_quantized(w, panel, row, x, t) : dot_float(w, panel, row, x, t);
        const int64_t column = p * kPanelRows + row;
        y[t * y_stride + column] = w.bias == nullptr ? dot : w.bias[column] + dot;
      }
    }
  }
}

}  // namespace ref

void unpack_row(const PackedMatrix& matrix, int64_t row, float* out) {
  const std::byte* panel =
      matrix.data + static_cast<size_t>(row / kPanelRows) * panel_bytes(matrix.type, matrix.cols);
  if (!uses_quantized_activations(matrix.type)) {
    for (int64_t c = 0; c < matrix.cols; ++c) out[c] = ref::panel_float(matrix.type, panel, row % kPanelRows, c);
    return;
  }
  for (int64_t b = 0; b < matrix.cols / kActivationBlock; ++b) {
    const ref::RowBlock block = ref::panel_row_block(matrix.type, panel, row % kPanelRows, b);
    for (int i = 0; i < 32; ++i) {
      out[32 * b + i] = block.scales[i / 16] * static_cast<float>(block.codes[i]) - block.min;
    }
  }
}

}  // namespace docmind::kernels
