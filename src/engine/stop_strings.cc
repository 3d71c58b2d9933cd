// StopStrings: ends a stream of text where one of several strings begins.
// SPDX-License-Identifier: Apache-2.0
#include "engine/stop_strings.h"

#include <algorithm>
#include <utility>

namespace docmind::engine {
namespace {

// Length of the longest end of `text` that a longer `string` begins with.
size_t n_begun(std::string_view text, std::string_view string) {
  size_t n = std::min(text.size(), string.size() - 1);
  while (n > 0 && !text.ends_with(string.substr(0, n))) --n;
  return n;
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::erase(strings_, std::string());
}

std::string StopStrings::feed(std::string_view piece) {
  if (stopped_) return {};
  held_ += piece;
  size_t begin = std::string::npos;
  size_t end = std::string::npos;
  size_t n_held = 0;
  for (const std::string& string : strings_) {
    n_held = std::max(n_held, n_begun(held_, string));
    const size_t at = held_.find(string);
    if (at == std::string::npos) continue;
    const size_t stop = at + string.size();
    if (stop > end || (stop == end && at > begin)) continue;
    begin = at;
    end = stop;
  }
  stopped_ = end != std::string::npos;
  const size_t n_shown = stopped_ ? begin : held_.size() - n_held;
  std::string shown = held_.substr(0, n_shown);
  held_ = stopped_ ? std::string() : held_.substr(n_shown);
  return shown;
}

std::string StopStrings::finish() { return std::exchange(held_, {}); }

}  // namespace docmind::engine
