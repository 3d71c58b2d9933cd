// Calibration from labelled question pairs: what `docmind cache calibrate` computes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cache/calibrator.h"

namespace docmind::cache {

struct LabelledPair {
  std::string question;  // as if cached
  std::string other;     // as if asked
  bool same = false;     // whether an answer to the one answers the other
};

// Writes the vectors of the texts, row-major [texts.size(), dimension].
using EmbedTexts =
    std::function<Status(std::span<const std::string_view> texts, std::span<float> out)>;

struct PairCalibration {
  std::vector<Observation> observations;  // one a pair that is no exact hit, in order
  size_t n_exact = 0;                     // pairs of one normal form, which the exact cache answers
  CalibrationReport report;
};

// Inserts every `question`, asks every `other` as the cache does (exact search), and judges the closest
// candidate: right when it stands on the pair's own row and the pair is the same. A pair's other
// neighbours make its margin. Time grows with the square of the number of pairs (12,000 pairs of
// 192 dimensions: some 10 s on one core). kInvalidArgument without pairs, with more than 50,000 or
// with no dimension.
[[nodiscard]] Result<PairCalibration> calibrate_pairs(std::span<const LabelledPair> pairs,
                                                      size_t dimension, const EmbedTexts& embed,
                                                      const CalibratorOptions& options);

}  // namespace docmind::cache
