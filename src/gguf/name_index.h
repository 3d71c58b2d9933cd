// NameIndex: finds entries by name in a sorted list, which no choice of names can make slow.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace docmind::gguf {

class NameIndex {
 public:
  NameIndex() = default;
  // `name_of(i)` names the i-th of `n` entries and stays valid as long as the index.
  template <typename NameOf>
  NameIndex(size_t n, NameOf name_of) {
    names_.reserve(n);
    for (uint32_t i = 0; i < n; ++i) names_.push_back({name_of(i), i});
    std::ranges::sort(names_, {}, [](const Name& name) { return std::pair(name.text, name.place); });
  }

  [[nodiscard]] std::optional<uint32_t> find(std::string_view text) const {
    const auto found = std::ranges::lower_bound(names_, text, {}, &Name::text);
    if (found == names_.end() || found->text != text) return std::nullopt;
    return found->place;
  }

  // A name that occurs twice.
  [[nodiscard]] std::optional<std::string_view> duplicate() const {
    const auto found = std::ranges::adjacent_find(names_, {}, &Name::text);
    if (found == names_.end()) return std::nullopt;
    return found->text;
  }

 private:
  struct Name {
    std::string_view text;
    uint32_t place;
  };
  std::vector<Name> names_;
};

}  // namespace docmind::gguf
