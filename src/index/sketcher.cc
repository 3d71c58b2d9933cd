// Sketcher: the signs of a vector after a random rotation, as bits that keep its angles to others.
// SPDX-License-Identifier: Apache-2.0
#include "index/sketcher.h"

#include <algorithm>
#include <bit>
#include <random>

namespace docmind::index {
namespace {

constexpr size_t kMinBits = 256;
constexpr size_t kBitsOfWord = 64;
constexpr uint64_t kSignSeed = 0x736b65746368;

}  // namespace

Sketcher::Sketcher(size_t dimension, const kernels::KernelTable& kernels)
    : kernels_(kernels),
      n_words_((std::max(dimension, kMinBits) + kBitsOfWord - 1) / kBitsOfWord),
      n_rotated_(std::bit_ceil(n_words_ * kBitsOfWord)),
      signs_(2 * n_rotated_) {
  std::mt19937_64 random(kSignSeed);
  for (float& sign : signs_) sign = (random() >> 63) != 0 ? 1.0f : -1.0f;
}

void Sketcher::sketch(std::span<const int8_t> codes, std::span<uint64_t> out) const {
  std::vector<float> rotated(n_rotated_);
  const auto length = static_cast<int64_t>(n_rotated_);
  for (size_t i = 0; i < codes.size(); ++i) rotated[i] = signs_[i] * static_cast<float>(codes[i]);
  kernels_.hadamard(rotated.data(), length, length);
  for (size_t i = 0; i < n_rotated_; ++i) rotated[i] *= signs_[n_rotated_ + i];
  kernels_.hadamard(rotated.data(), length, length);
  for (size_t w = 0; w < n_words_; ++w) {
    uint64_t word = 0;
    for (size_t bit = 0; bit < kBitsOfWord; ++bit) {
      word |= uint64_t{rotated[w * kBitsOfWord + bit] > 0} << bit;
    }
    out[w] = word;
  }
}

}  // namespace docmind::index
