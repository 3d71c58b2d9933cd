// ModelMarks: citation marks as models write them, to marks of passages that were given.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_marks.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace docmind::providers {
namespace {

constexpr size_t kMaxInside = 40;
constexpr size_t kMaxDigits = 6;
constexpr size_t kMaxRange = 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_number(char c) { return c >= '0' && c <= '9'; }

// Length of the word that may stand before the numbers, the space after it included; all of
// `inside` while it may still become one.
size_t word_length(std::string_view inside) {
  for (const std::string_view word : {"passages ", "passage ", "sources ", "source "}) {
    const size_t n = std::min(word.size(), inside.size());
    if (std::equal(inside.begin(), inside.begin() + static_cast<ptrdiff_t>(n), word.begin(),
                   [](char a, char b) { return lower(a) == b; })) {
      return n;
    }
  }
  return 0;
}

bool may_be_mark(std::string_view inside) {
  if (inside.size() > kMaxInside) return false;
  const std::string_view numbers = inside.substr(word_length(inside));
  return numbers.find_first_not_of("0123456789,;- ") == std::string_view::npos;
}

// The numbers of "1, 3-5"; empty when it is none of that form.
std::vector<size_t> numbers_of(std::string_view text) {
  std::vector<size_t> numbers;
  bool range = false;
  for (size_t at = 0; at < text.size();) {
    if (!is_number(text[at])) {
      if (text[at] == '-' && (numbers.empty() || range)) return {};
      range = range || text[at] == '-';
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && is_number(text[end])) ++end;
    if (end - at > kMaxDigits) return {};
    const size_t number = std::stoul(std::string(text.substr(at, end - at)));
    if (range && (number < numbers.back() || number - numbers.back() > kMaxRange)) return {};
    for (size_t n = range ? numbers.back() + 1 : number; n <= number; ++n) numbers.push_back(n);
    range = false;
    at = end;
  }
  return range ? std::vector<size_t>{} : numbers;
}

}  // namespace

// held_ and a "]" are a whole mark or something else in brackets.
std::string ModelMarks::resolve() {
  const size_t open = held_.find('[');
  const std::string_view inside = std::string_view(held_).substr(open + 1);
  const std::vector<size_t> numbers = numbers_of(inside.substr(word_length(inside)));
  if (numbers.empty()) return held_ + "]";
  std::string marks;
  for (const size_t number : numbers) {
    if (number >= 1 && number <= n_passages_) marks += "[" + std::to_string(number) + "]";
  }
  any_ = any_ || !marks.empty();
  return marks.empty() ? marks : held_.substr(0, open) + marks;
}

std::string ModelMarks::feed(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    const size_t open = held_.find('[');
    if (open == std::string::npos) {
      if (c != '[' && c != ' ') out += std::exchange(held_, {});
      (c == '[' || c == ' ' ? held_ : out).push_back(c);
    } else if (c == ']') {
      out += resolve();
      held_.clear();
    } else if (may_be_mark(held_.substr(open + 1) + c)) {
      held_.push_back(c);
    } else {
      out += std::exchange(held_, {});
      (c == '[' || c == ' ' ? held_ : out).push_back(c);
    }
  }
  return out;
}

std::string ModelMarks::finish() { return std::exchange(held_, {}); }

}  // namespace docmind::providers
