// Scales that move from keys to queries, so that stored keys are of size one.
// SPDX-License-Identifier: Apache-2.0
#include "model/key_scales.h"

#include <algorithm>
#include <cmath>

namespace docmind::model {
namespace {

// Beyond what gains are; no product with activations comes near the limits of a float.
constexpr int kMaxExponent = 24;

// The power of two nearest to the root mean square of two gains, as its exponent.
int scale_exponent(float a, float b) {
  const double mean = (static_cast<double>(a) * a + static_cast<double>(b) * b) / 2;
  if (!(mean > 0) || !std::isfinite(mean)) return 0;
  return static_cast<int>(std::clamp(std::round(std::log2(mean) / 2), -1.0 * kMaxExponent, 1.0 * kMaxExponent));
}

// The gains lie in the memory that packing made for this model alone.
float* writable(const float* gains) { return const_cast<float*>(gains); }

void fold_pair(const DecoderLayer& layer, int64_t first, int64_t second) {
  float* q = writable(layer.q_norm);
  float* k = writable(layer.k_norm);
  const int exponent = scale_exponent(k[first], k[second]);
  for (const int64_t i : {first, second}) {
    k[i] = std::ldexp(k[i], -exponent);
    q[i] = std::ldexp(q[i], exponent);
    if (first == second) return;
  }
}

}  // namespace

void fold_key_scales(const DecoderConfig& config, std::span<const DecoderLayer> layers) {
  for (const DecoderLayer& layer : layers) {
    if (layer.q_norm == nullptr || layer.k_norm == nullptr) continue;
    const int64_t n_pairs = config.n_rot / 2;
    for (int64_t pair = 0; pair < n_pairs; ++pair) {
      const int64_t first = config.neox_rope ? pair : 2 * pair;
      fold_pair(layer, first, config.neox_rope ? pair + n_pairs : first + 1);
    }
    for (int64_t i = config.n_rot; i < config.head_dim; ++i) fold_pair(layer, i, i);
  }
}

}  // namespace docmind::model
