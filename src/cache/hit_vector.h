// The features of a would-be hit as numbers for the pooled model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "cache/calibrator.h"

namespace docmind::cache {

inline constexpr size_t kHitFeatures = 29 + kGuardCount + kWordingChangeCount;
using HitVector = std::array<double, kHitFeatures>;

// Similarity, margin and likenesses with bends where their effect changes, one flag a guard, and
// whether the evidence is known. What is no number, or outside of its range, is brought into it.
[[nodiscard]] HitVector hit_vector(const HitFeatures& features);

}  // namespace docmind::cache
