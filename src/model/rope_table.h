// RopeTable: the angles of rotary position embeddings, with linear and YaRN scaling.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/decoder.h"

namespace docmind::model {

// RoPE: Su et al. 2021, "RoFormer". YaRN: Peng et al. 2023, with the ramp and the magnitude that
// llama.cpp computes. Read-only after construction.
class RopeTable {
 public:
  RopeTable() = default;
  // `factors` (n_rot / 2, or none) divide the frequencies, as Llama 3 files give them.
  RopeTable(const DecoderConfig& config, std::span<const float> factors);

  // n_rot / 2 pairs (cos, sin) of a position.
  void fill(int64_t position, float* cos_sin) const;

 private:
  std::vector<double> frequencies_;  // radians a position
  double magnitude_ = 1;             // of the rotated vectors
};

}  // namespace docmind::model
