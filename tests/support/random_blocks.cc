// Random weights of every tensor type we compute with, as the blocks of a file.
// SPDX-License-Identifier: Apache-2.0
#include "support/random_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "kernels/half.h"

namespace docmind::test {

using namespace kernels;

uint64_t Random::next() {  // SplitMix64 (Steele, Lea, Flood 2014)
  uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

float Random::uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }

float Random::gauss() {  // Box and Muller
  const float radius = std::sqrt(-2.0f * std::log(1.0f - uniform()));
  return radius * std::cos(2.0f * std::numbers::pi_v<float> * uniform());
}

int Random::between(int lowest, int highest) {
  return lowest + static_cast<int>(next() % static_cast<uint64_t>(highest - lowest + 1));
}

namespace {

void fill_bytes(Random& random, std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); i += sizeof(uint64_t)) {
    const uint64_t bits = random.next();
    std::memcpy(out.data() + i, &bits, std::min(sizeof(bits), out.size() - i));
  }
}

// Half to one and a half of `scale`.
Half varied(float scale, Random& random) { return float_to_half(scale * (0.5f + random.uniform())); }

uint16_t float_to_bfloat16(float value) {  // finite; to nearest even
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// The deviations of uniformly random codes.
constexpr float kOf4Bits = 4.61f, kOf5Bits = 9.23f, kOf6Bits = 18.47f, kOf8Bits = 73.9f;

void fill(BlockQ8_0& block, float deviation, Random& random) {
  fill_bytes(random, {reinterpret_cast<uint8_t*>(block.qs), sizeof(block.qs)});
  block.d = varied(deviation / kOf8Bits, random);
}

void fill(BlockQ4_0& block, float deviation, Random& random) {
  fill_bytes(random, block.qs);
  block.d = varied(random.between(0, 1) == 0 ? -deviation / kOf4Bits : deviation / kOf4Bits, random);
}

constexpr float kMeanScale = 40;  // of the six-bit scales below

// Eight scales of 17 to 63 and eight mins near them, in the 12 bytes of Q4_K and Q5_K.
void fill_scales(uint8_t (&packed)[12], Random& random) {
  uint8_t scale[8], min[8];
  for (int j = 0; j < 8; ++j) {
    scale[j] = static_cast<uint8_t>(random.between(17, 63));
    min[j] = static_cast<uint8_t>(std::clamp(scale[j] + random.between(-4, 4), 0, 63));
  }
  for (int j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(scale[j] | (scale[j + 4] >> 4) << 6);
    packed[j + 4] = static_cast<uint8_t>(min[j] | (min[j + 4] >> 4) << 6);
    packed[j + 8] = static_cast<uint8_t>((scale[j + 4] & 15) | (min[j + 4] & 15) << 4);
  }
}

// The mins take away the mean of the codes, so that the values lie around 0.
template <typename Block>
void fill_super_block(Block& block, float scale, float mean_code, Random& random) {
  fill_bytes(random, block.qs);
  fill_scales(block.scales, random);
  const float d = half_to_float(varied(scale, random));
  block.d = float_to_half(d);
  block.dmin = float_to_half(d * mean_code);
}

void fill(BlockQ4_K& block, float deviation, Random& random) {
  fill_super_block(block, deviation / kOf4Bits / kMeanScale, 7.5f, random);
}

void fill(BlockQ5_K& block, float deviation, Random& random) {
  fill_bytes(random, block.qh);
  fill_super_block(block, deviation / kOf5Bits / kMeanScale, 15.5f, random);
}

void fill(BlockQ6_K& block, float deviation, Random& random) {
  fill_bytes(random, block.ql);
  fill_bytes(random, block.qh);
  for (int8_t& scale : block.scales) {
    scale = static_cast<int8_t>(random.between(32, 127) * (random.between(0, 1) == 0 ? -1 : 1));
  }
  block.d = varied(deviation / kOf6Bits / 80, random);
}

template <typename Element>
void fill_elements(std::span<std::byte> out, Element&& element) {
  using Value = decltype(element());
  for (size_t i = 0; i < out.size(); i += sizeof(Value)) {
    const Value value = element();
    std::memcpy(out.data() + i, &value, sizeof(value));
  }
}

template <typename Block>
void fill_blocks(float deviation, Random& random, std::span<std::byte> out) {
  fill_elements(out, [&] {
    Block block;
    fill(block, deviation, random);
    return block;
  });
}

}  // namespace

void fill_random_blocks(TensorType type, float deviation, Random& random, std::span<std::byte> out) {
  switch (type) {
    case TensorType::kF32: return fill_elements(out, [&] { return deviation * random.gauss(); });
    case TensorType::kF16:
      return fill_elements(out, [&] { return float_to_half(deviation * random.gauss()); });
    case TensorType::kBF16:
      return fill_elements(out, [&] { return float_to_bfloat16(deviation * random.gauss()); });
    case TensorType::kQ8_0: return fill_blocks<BlockQ8_0>(deviation, random, out);
    case TensorType::kQ4_0: return fill_blocks<BlockQ4_0>(deviation, random, out);
    case TensorType::kQ4_K: return fill_blocks<BlockQ4_K>(deviation, random, out);
    case TensorType::kQ5_K: return fill_blocks<BlockQ5_K>(deviation, random, out);
    case TensorType::kQ6_K: return fill_blocks<BlockQ6_K>(deviation, random, out);
  }
}

}  // namespace docmind::test
