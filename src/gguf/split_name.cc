// Names of split models: "x-00002-of-00003.gguf".
// SPDX-License-Identifier: Apache-2.0
#include "gguf/split_name.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace docmind::gguf {
namespace {

constexpr size_t kDigits = 5;

std::optional<uint32_t> five_digits(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::string SplitName::path(uint32_t wanted) const {
  return fmt::format("{}-{:05}-of-{:05}.gguf", stem, wanted, count);
}

std::optional<SplitName> parse_split_name(std::string_view path) {
  constexpr std::string_view kEnd = ".gguf";
  constexpr std::string_view kOf = "-of-";
  constexpr size_t kTail = 1 + kDigits + kOf.size() + kDigits + kEnd.size();
  if (path.size() <= kTail || !path.ends_with(kEnd)) return std::nullopt;
  const std::string_view tail = path.substr(path.size() - kTail);
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf) return std::nullopt;
  const auto number = five_digits(tail.substr(1, kDigits));
  const auto count = five_digits(tail.substr(1 + kDigits + kOf.size(), kDigits));
  if (!number || !count || *number < 1 || *number > *count) return std::nullopt;
  return SplitName{std::string(path.substr(0, path.size() - kTail)), *number, *count};
}

}  // namespace docmind::gguf
