// PlaceTable: the place of each id among the rows of a SketchIndex.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <boost/unordered/unordered_flat_map.hpp>

namespace docmind::index {

// Many small maps in place of one, so that no growth takes long: it happens while searches wait.
class PlaceTable {
 public:
  [[nodiscard]] std::optional<uint32_t> find(int64_t id) const {
    const Map& map = maps_[part_of(id)];
    const auto found = map.find(id);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }
  void set(int64_t id, uint32_t place) { maps_[part_of(id)][id] = place; }
  void erase(int64_t id) { maps_[part_of(id)].erase(id); }
  [[nodiscard]] size_t size_bytes() const {
    constexpr size_t kSlot = sizeof(Map::value_type) + 1;  // a byte of the hash beside each
    size_t n_slots = 0;
    for (const Map& map : maps_) n_slots += map.bucket_count();
    return sizeof(*this) + n_slots * kSlot;
  }

 private:
  using Map = boost::unordered_flat_map<int64_t, uint32_t>;
  static constexpr int kPartBits = 6;
  static size_t part_of(int64_t id) {  // multiplicative hashing: ids are often consecutive
    return static_cast<size_t>((static_cast<uint64_t>(id) * 0x9e3779b97f4a7c15) >> (64 - kPartBits));
  }

  std::array<Map, size_t{1} << kPartBits> maps_;
};

}  // namespace docmind::index
