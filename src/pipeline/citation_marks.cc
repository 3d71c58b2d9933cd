// CitationMarks: renumbers "[3]" marks in a stream by order of first use.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/citation_marks.h"

#include <algorithm>

namespace docmind::pipeline {
namespace {

constexpr size_t kMaxMark = 6;  // "[99999"; longer digits in brackets are not a citation

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

}  // namespace docmind::pipeline
