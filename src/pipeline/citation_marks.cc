// CitationMarks: renumbers "[3]" marks in a stream by order of first use.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/citation_marks.h"

#include <algorithm>

#include "base/ascii.h"

namespace docmind::pipeline {
namespace {

constexpr size_t kMaxMark = 6;  // "[99999"; longer digits in brackets are not a citation


// The end of `quote` if `text` has it at `at`, a space of the quote being any white space there;
// npos if not.
size_t end_of_quote(std::string_view text, size_t at, std::string_view quote) {
  for (const char c : quote) {
    if (at >= text.size()) return std::string_view::npos;
    if (c != ' ') {
      if (text[at++] != c) return std::string_view::npos;
      continue;
    }
    if (!is_space(text[at])) return std::string_view::npos;
    while (at < text.size() && is_space(text[at])) ++at;
  }
  return at;
}

}  // namespace

std::string CitationMarks::replace(size_t number) {
  if (number == 0 || number > n_passages_) return {};
  auto place = std::find(order_.begin(), order_.end(), number - 1);
  if (place == order_.end()) place = order_.insert(order_.end(), number - 1);
  return "[" + std::to_string(place - order_.begin() + 1) + "]";
}

std::string CitationMarks::feed(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    const bool digit = c >= '0' && c <= '9';
    if (!held_.empty() && digit && held_.size() < kMaxMark) {
      held_.push_back(c);
    } else if (held_.size() > 1 && c == ']') {
      out += replace(std::stoul(held_.substr(1)));
      held_.clear();
    } else {
      out += finish();
      if (c == '[') {
        held_ = "[";
      } else {
        out.push_back(c);
      }
    }
  }
  return out;
}

std::string CitationMarks::finish() {
  std::string out;
  out.swap(held_);
  return out;
}

std::string CitationMarks::feed_around(std::string_view text, std::span<const std::string> quotes) {
  std::string out;
  size_t fed = 0;
  for (const std::string& quote : quotes) {
    for (size_t at = fed; at < text.size(); ++at) {
      const size_t end = end_of_quote(text, at, quote);
      if (end == std::string_view::npos) continue;
      out += feed(text.substr(fed, at - fed)) + finish();
      out += text.substr(at, end - at);
      fed = end;
      break;
    }
  }
  return out + feed(text.substr(fed));
}

bool holds_mark(std::string_view text) {
  for (size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end > at + 1 && end < text.size() && text[end] == ']') return true;
  }
  return false;
}

}  // namespace docmind::pipeline
