// NF4: four bits a weight by quantiles of the normal distribution (QLoRA, arXiv 2305.14314); no type of GGUF.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/nf4.h"

#include <algorithm>
#include <cmath>

namespace docmind::quantize {
namespace {

// Between neighbouring levels: a value above as many of them has that level.
constexpr std::array<float, 15> kNf4Borders = [] {
  std::array<float, 15> borders{};
  for (size_t i = 0; i < borders.size(); ++i) borders[i] = (kNf4Levels[i] + kNf4Levels[i + 1]) / 2;
  return borders;
}();

}  // namespace

void nf4_scales(const float* x, int64_t n, float* scales) {
  for (int64_t block = 0; block < n / kNf4Block; ++block) {
    float largest = 0;
    for (int64_t i = 0; i < kNf4Block; ++i) largest = std::max(largest, std::abs(x[block * kNf4Block + i]));
    scales[block] = largest;
  }
}

void nf4_round_trip(const float* x, int64_t n, const float* scales, const float* stored, float* out) {
  for (int64_t block = 0; block < n / kNf4Block; ++block) {
    const float scale = scales[block];
    const float inverse = scale > 0 ? 1 / scale : 0;
    for (int64_t i = block * kNf4Block; i < (block + 1) * kNf4Block; ++i) {
      size_t code = 0;
      for (const float border : kNf4Borders) code += x[i] * inverse > border ? 1 : 0;
      out[i] = kNf4Levels[code] * stored[block];
    }
  }
}

void nf4_store_scales(std::span<const float> scales, float mean, float* stored) {
  constexpr float kMost = 127;
  for (size_t begin = 0; begin < scales.size(); begin += kNf4Group) {
    const auto group = scales.subspan(begin, std::min<size_t>(kNf4Group, scales.size() - begin));
    float largest = 0;
    for (const float scale : group) largest = std::max(largest, std::abs(scale - mean));
    const float unit = largest / kMost;
    for (size_t i = 0; i < group.size(); ++i) {
      const float code = unit > 0 ? std::round((group[i] - mean) / unit) : 0;
      stored[begin + i] = code * unit + mean;
    }
  }
}

}  // namespace docmind::quantize
