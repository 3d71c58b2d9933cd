// ActivationPlace: where one row's elements lie inside the tiles of an Activations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/packed_matrix.h"

namespace docmind::kernels {

class ActivationPlace {
 public:
  ActivationPlace(const Activations& x, int64_t row)
    : tile_(row / kActivationTile * kActivationTile), width_(x.tile_width(tile_)), lane_(row - tile_), cols_(x.cols) {}

  [[nodiscard]] int64_t value(int64_t c) const { return tile_ * cols_ + c * width_ + lane_; }
  [[nodiscard]] int64_t code(int64_t c) const {
    return tile_ * cols_ + (c / 4 * width_ + lane_) * 4 + c % 4;
  }
  [[nodiscard]] int64_t block(int64_t b) const {
    return tile_ * (cols_ / kActivationBlock) + b * width_ + lane_;
  }
  [[nodiscard]] int64_t half_block(int64_t h) const {
    return tile_ * (cols_ / 16) + h * width_ + lane_;
  }
  [[nodiscard]] int64_t width() const { return width_; }

 private:
  int64_t tile_;
  int64_t width_;
  int64_t lane_;
  int64_t cols_;
};

}  // namespace docmind::kernels
