// NF4: four bits a weight by quantiles of the normal distribution (QLoRA, arXiv 2305.14314); no type of GGUF.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace docmind::quantize {

// Quantiles of N(0, 1), 8 of them below zero and 9 from zero on with equal areas between, scaled to [-1, 1].
inline constexpr std::array<float, 16> kNf4Levels = {
    -1.0f,         -0.69619280f,  -0.52507305f,  -0.39491749f,  -0.28444138f,  -0.18477343f, -0.091050036f, 0.0f,
    0.079580300f,  0.16093020f,   0.24611230f,   0.33791524f,   0.44070983f,   0.56261700f,  0.72295684f,   1.0f};
inline constexpr int64_t kNf4Block = 64;
inline constexpr int64_t kNf4Group = 256;  // blocks whose scales are quantized together
inline constexpr double kNf4Bits = 4 + 32.0 / kNf4Block;
inline constexpr double kNf4DoubleBits = 4 + 8.0 / kNf4Block + 32.0 / (kNf4Block * kNf4Group);

// The largest magnitude of each block; n is a multiple of kNf4Block.
void nf4_scales(const float* x, int64_t n, float* scales);
// Each weight as its nearest level times what its block's scale became: out = level(x / scales) * stored.
void nf4_round_trip(const float* x, int64_t n, const float* scales, const float* stored, float* out);
// Double quantization: the scales, less their `mean`, as eight bits a scale and one F32 a group; `scales` begins
// with a group.
void nf4_store_scales(std::span<const float> scales, float mean, float* stored);

}  // namespace docmind::quantize
