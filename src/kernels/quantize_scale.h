// Scales as a block can store them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "kernels/half.h"

namespace docmind::kernels {

// Internal linkage, as files compiled for different instruction sets use them.
namespace {  // NOLINT(build/namespaces)

constexpr float kLargestScale = 65504.0f;  // of a Half

// The Half that a scale becomes, as float. Subnormal scales are rounded away from zero: rounded down, the largest
// values of a block would not be reached by far, and a scale of 0 would lose them all.
[[nodiscard, maybe_unused]] float stored_scale(float scale) {
  constexpr float kSmallestNormal = 0x1p-14f, kSubnormalStep = 0x1p-24f;
  if (std::abs(scale) >= kSmallestNormal || scale == 0) return half_to_float(float_to_half(scale));
  const float steps = std::ceil(std::abs(scale) / kSubnormalStep);
  return std::copysign(steps * kSubnormalStep, scale);
}

}  // namespace

}  // namespace docmind::kernels
