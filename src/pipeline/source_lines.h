// find_lines: which lines of a source hold the words that were quoted from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace docmind::pipeline {

// Lines counted from 1, both inclusive.
struct LineRange {
  uint32_t first = 1;
  uint32_t last = 1;
  bool operator==(const LineRange&) const = default;
};

// The smallest range of lines of `source` that holds every quote, each where it first stands within
// the lines of `within`. Only letters and digits are compared, and those of HTML tags, entities and
// link targets not: a quote is found although the source has markup between its words. nullopt when
// a quote is not there, or no quote has a letter or digit.
[[nodiscard]] std::optional<LineRange> find_lines(std::string_view source, LineRange within,
                                                  std::span<const std::string> quotes);

}  // namespace docmind::pipeline
