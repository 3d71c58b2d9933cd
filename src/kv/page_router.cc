// Page router: noise of scores against noise of values, within the bytes that are left.
// SPDX-License-Identifier: Apache-2.0
#include "kv/page_router.h"

#include <algorithm>
#include <cmath>

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageTokens;

// What coding rotated values, nearly normal ones, loses of their energy, in the order of kPageBitChoices.
constexpr std::array<double, 4> kValueNoise = {4e-5, 0.0102, 0.036, 0.117};
// What it weighs beside the noise of scores, from a sweep over models with and without large channels of keys.
constexpr double kValueWeight = 2.5;
// A layer may take at most so many times its share of what is left: lending more to the first layers starves the last.
constexpr double kMostShares = 1.1;
// Instead of what is not a number.
constexpr double kWorstNoise = 1e30;

double steps(int bits) { return static_cast<double>((1 << bits) - 1); }
// As the kernels cut the range of keys.
double span_of(int bits) { return bits == 2 ? 0.7 : bits == 3 ? 0.87 : bits == 4 ? 0.95 : 1.0; }

// The sums of the squares of a channel's queries, of all tokens.
void sum_energy(const Layout& layout, std::span<std::byte* const> blocks, int64_t layer, int64_t head, float* energy) {
  const int64_t d = layout.geometry().head_dim;
  std::fill_n(energy, d, 0.0f);
  for (std::byte* block : blocks) {
    const float* part = layout.query_energy(block, layer, head);
    for (int64_t c = 0; c < d; ++c) energy[c] += part[c];
  }
}

// Adds rows [n_rows, d] to the ranges of their channels.
void widen(const float* rows, int64_t n_rows, int64_t d, float* low, float* high) {
  for (int64_t t = 0; t < n_rows; ++t) {
    const float* row = rows + t * d;
    for (int64_t c = 0; c < d; ++c) {
      low[c] = row[c] < low[c] ? row[c] : low[c];
      high[c] = row[c] > high[c] ? row[c] : high[c];
    }
  }
}

double energy_of_ranges(const float* energy, const float* low, const float* high, int64_t d) {
  double sum = 0;
  for (int64_t c = 0; c < d; ++c) {
    const double range = static_cast<double>(high[c]) - static_cast<double>(low[c]);
    sum += static_cast<double>(energy[c]) * range * range;
  }
  return sum;
}

size_t layer_bytes(const Layout& layout, PageBits bits) {
  return static_cast<size_t>(kernels::kv_layer_bytes(layout.page_shape(), bits.key, bits.value));
}

}  // namespace

KeyNoise measure_key_noise(const Layout& layout, const kernels::KernelTable& table,
                           std::span<std::byte* const> blocks, int64_t layer, int64_t n_queries,
                           std::vector<float>& scratch) {
  const Geometry& g = layout.geometry();
  const int64_t d = g.head_dim, group_blocks = layout.page_shape().key_group / kKvBlockTokens;
  scratch.resize(static_cast<size_t>((kKvBlockTokens + 3) * d));
  float *rows = scratch.data(), *energy = rows + kKvBlockTokens * d, *low = energy + d, *high = low + d;
  double sum = 0;
  for (int64_t head = 0; head < g.n_kv_heads; ++head) {
    sum_energy(layout, blocks, layer, head, energy);
    for (size_t b = 0; b < blocks.size(); ++b) {
      table.from_half(layout.keys(blocks[b], layer, head, 0), kKvBlockTokens * d, rows);
      if (static_cast<int64_t>(b) % group_blocks == 0) {
        std::copy_n(rows, d, low);
        std::copy_n(rows, d, high);
      }
      widen(rows, kKvBlockTokens, d, low, high);
      if (static_cast<int64_t>(b + 1) % group_blocks == 0) sum += energy_of_ranges(energy, low, high, d);
    }
  }
  const double n_groups = static_cast<double>(g.n_kv_heads * kKvPageTokens / layout.page_shape().key_group);
  const double n_asked = static_cast<double>(kKvPageTokens * std::max<int64_t>(1, n_queries));
  const double mean = sum / (n_groups * n_asked * static_cast<double>(d) * 12);
  KeyNoise noise{};
  for (size_t i = 0; i < noise.size(); ++i) {
    const double step = span_of(kPageBitChoices[i]) / steps(kPageBitChoices[i]);
    noise[i] = std::isfinite(mean) ? std::min(mean * step * step, kWorstNoise) : kWorstNoise;
  }
  return noise;
}

PageBits route_page(const Layout& layout, const KeyNoise& noise, size_t n_bytes, int64_t n_after) {
  const size_t least = layer_bytes(layout, {2, 2});
  const double share = static_cast<double>(n_bytes) / static_cast<double>(n_after + 1);
  const size_t most_left = n_bytes - static_cast<size_t>(n_after) * least;
  const size_t most = n_after == 0 ? most_left : std::min(most_left, static_cast<size_t>(share * kMostShares));
  PageBits best = {2, 2};
  double best_cost = INFINITY;
  for (size_t k = 0; k < kPageBitChoices.size(); ++k) {
    for (size_t v = 0; v < kPageBitChoices.size(); ++v) {
      const PageBits bits = {kPageBitChoices[k], kPageBitChoices[v]};
      const size_t bytes = layer_bytes(layout, bits);
      if (bytes > most) continue;
      const double cost = noise[k] + kValueWeight * kValueNoise[v];
      if (cost >= best_cost) continue;
      best_cost = cost;
      best = bits;
    }
  }
  return best;
}

}  // namespace docmind::kv
