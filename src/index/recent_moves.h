// RecentMoves: the places that rows were moved to lately.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace docmind::index {

// For a search that lets changes in: it may have passed such a place before the row came there.
class RecentMoves {
 public:
  static constexpr size_t kKnown = 256;

  void add(size_t place) { places_[n_++ % places_.size()] = static_cast<uint32_t>(place); }
  [[nodiscard]] uint64_t count() const { return n_; }
  // Adds those since there were `count`; false when they are too many to be known.
  bool append_since(uint64_t count, std::vector<uint32_t>& places) const {
    if (n_ - count > places_.size()) return false;
    for (; count < n_; ++count) places.push_back(places_[count % places_.size()]);
    return true;
  }

 private:
  uint64_t n_ = 0;
  std::array<uint32_t, kKnown> places_{};
};

}  // namespace docmind::index
