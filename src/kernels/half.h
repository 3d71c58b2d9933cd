// Half and bfloat16 bits to and from float, without instruction set extensions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels {

// Exact, subnormals, infinities and NaN included.
[[nodiscard]] inline float half_to_float(Half half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x400u) return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(subnormal));
}

// Rounds to nearest even; beyond the largest half becomes infinity.
[[nodiscard]] inline Half float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<Half>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<Half>(sign | 0x7c00u);
  if (magnitude >= 0x38800000u) {  // normal: 2^-14 and above
    const uint32_t odd = (magnitude >> 13) & 1u;
    return static_cast<Half>(sign | ((magnitude - (112u << 23) + 0xfffu + odd) >> 13));
  }
  // Adding 0.5 leaves the subnormal's bits, rounded to even, at the end of the sum's.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  return static_cast<Half>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
}

[[nodiscard]] inline float bfloat16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

}  // namespace docmind::kernels
