// What every fuzz target needs: a check that stops the fuzzer, and inputs made of several parts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::fuzz {

// Stops the process, which the fuzzer reports with the input, unless `condition` holds.
inline void require(bool condition, std::string_view what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The part before the first `separator`; `rest` keeps what follows it.
inline std::string_view take_part(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

// All parts between separators, at most `max_parts`; the last one keeps the rest.
inline std::vector<std::string_view> split_parts(std::string_view text, char separator,
                                                 size_t max_parts) {
  std::vector<std::string_view> parts;
  while (!text.empty() && parts.size() + 1 < max_parts) parts.push_back(take_part(text, separator));
  if (!text.empty()) parts.push_back(text);
  return parts;
}

// Inputs with several parts are lines or are separated by form feeds, so that seeds stay readable.
inline constexpr char kPartSeparator = '\f';

}  // namespace docmind::fuzz
