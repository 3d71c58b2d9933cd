// NearRows: the places of the sketches nearest to a query, found in one pass with a falling bound.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace docmind::index {

// The bound is the least number of differing bits that at least `n_wanted` rows seen so far have at
// most. Rows at the bound are kept all: what is found does not depend on the order of the rows.
class NearRows {
 public:
  NearRows(size_t n_bits, size_t n_wanted)
      : bound_(static_cast<uint32_t>(n_bits)), n_wanted_(n_wanted), counts_(n_bits + 1) {}

  [[nodiscard]] uint32_t bound() const { return bound_; }

  // Rows within the bound, which lie at `first` + row.
  void add(std::span<const kernels::NearSketch> rows, size_t first) {
    for (const kernels::NearSketch& row : rows) {
      near_.push_back({static_cast<uint32_t>(first + row.row), row.n_bits});
      ++counts_[row.n_bits];
    }
    n_near_ += rows.size();
    while (bound_ > 0 && n_near_ - counts_[bound_] >= n_wanted_) n_near_ -= counts_[bound_--];
    if (near_.size() > 4 * std::max(n_near_, n_wanted_)) drop_far();
  }

  // The places of the rows found, in the order of add().
  [[nodiscard]] std::vector<uint32_t> places() {
    drop_far();
    std::vector<uint32_t> places;
    places.reserve(near_.size());
    for (const kernels::NearSketch& row : near_) places.push_back(row.row);
    return places;
  }

 private:
  void drop_far() {
    std::erase_if(near_, [&](const kernels::NearSketch& row) { return row.n_bits > bound_; });
  }

  uint32_t bound_;
  size_t n_wanted_;
  std::vector<size_t> counts_;  // rows with so many bits, [n_bits + 1]
  size_t n_near_ = 0;           // of them at the bound or below
  std::vector<kernels::NearSketch> near_;
};

}  // namespace docmind::index
