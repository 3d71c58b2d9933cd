// Codes and scales to the blocks of a file.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/block_codes.h"

namespace docmind::kernels {
namespace {

// Of 64 elements the first 32 are low nibbles, the others high ones.
void pack_nibbles(const uint8_t* codes, uint8_t* qs) {
  for (int pair = 0; pair < 4; ++pair, codes += 64, qs += 32) {
    for (int i = 0; i < 32; ++i) qs[i] = static_cast<uint8_t>((codes[i] & 15) | (codes[32 + i] << 4));
  }
}

}  // namespace

void pack_codes(const uint8_t* codes, BlockQ4_0& block) {
  for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>(codes[i] | (codes[16 + i] << 4));
}

void pack_codes(const uint8_t* codes, BlockQ4_K& block) { pack_nibbles(codes, block.qs); }

void pack_codes(const uint8_t* codes, BlockQ5_K& block) {
  pack_nibbles(codes, block.qs);
  for (uint8_t& high : block.qh) high = 0;
  for (int b = 0; b < 8; ++b) {
    for (int i = 0; i < 32; ++i) block.qh[i] |= static_cast<uint8_t>((codes[32 * b + i] >> 4) << b);
  }
}

void pack_codes(const uint8_t* codes, BlockQ6_K& block) {
  for (int half = 0; half < 2; ++half, codes += 128) {
    uint8_t* ql = block.ql + 64 * half;
    uint8_t* qh = block.qh + 32 * half;
    for (int i = 0; i < 64; ++i) ql[i] = static_cast<uint8_t>((codes[i] & 15) | (codes[64 + i] << 4));
    for (int i = 0; i < 32; ++i) {
      qh[i] = static_cast<uint8_t>((codes[i] >> 4) | (codes[32 + i] >> 4 << 2) | (codes[64 + i] >> 4 << 4) |
                                   (codes[96 + i] >> 4 << 6));
    }
  }
}

void pack_scales(const uint8_t* scales, const uint8_t* mins, uint8_t* packed) {
  for (int b = 0; b < 4; ++b) {
    const int high = b + 4;
    packed[b] = static_cast<uint8_t>(scales[b] | (scales[high] >> 4 << 6));
    packed[high] = static_cast<uint8_t>(mins[b] | (mins[high] >> 4 << 6));
    packed[high + 4] = static_cast<uint8_t>((scales[high] & 15) | (mins[high] << 4));
  }
}

}  // namespace docmind::kernels
