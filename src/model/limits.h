// The largest sizes that a model may claim: far beyond real ones, small enough that no product of them
// overflows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::model {

inline constexpr int64_t kMaxLayers = 1'000;
inline constexpr int64_t kMaxWidth = int64_t{1} << 20;  // of a row of activations
inline constexpr int64_t kMaxHeads = 1'024;
inline constexpr int64_t kMaxHeadDim = 1'024;
inline constexpr int64_t kMaxContext = int64_t{1} << 28;
inline constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
inline constexpr int64_t kMaxBatchTokens = int64_t{1} << 16;
inline constexpr double kMaxRopeFactor = 1e6;

}  // namespace docmind::model
