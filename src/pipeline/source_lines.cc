// find_lines: which lines of a source hold the words that were quoted from it.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/source_lines.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"

namespace docmind::pipeline {
namespace {

bool is_compared(char c) {
  return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80;
}

// The length of the markup that `text` starts with: "<b>", "&amp;", "](target)"; 0 if it is none.
size_t markup_length(std::string_view text) {
  constexpr size_t kMaxTag = 1'000;
  constexpr size_t kMaxEntity = 10;
  const char next = text.size() > 1 ? text[1] : '\0';
  char close = '\0';
  size_t longest = kMaxTag;
  if (text[0] == '<' && (is_alpha(next) || next == '/' || next == '!')) close = '>';
  if (text[0] == ']' && next == '(') close = ')';
  if (text[0] == '&' && (is_alpha(next) || next == '#')) {
    close = ';';
    longest = kMaxEntity;
  }
  if (close == '\0') return 0;
  const size_t end = text.substr(0, longest).find(close);
  return end == std::string_view::npos ? 0 : end + 1;
}

// What is compared of a text, and the line of each byte of it.
struct Words {
  std::string bytes;
  std::vector<uint32_t> lines;  // [bytes]
};

Words words_of(std::string_view text, uint32_t first_line) {
  Words words;
  uint32_t line = first_line;
  for (size_t at = 0; at < text.size();) {
    const size_t n_skipped = std::max<size_t>(markup_length(text.substr(at)), 1);
    if (n_skipped == 1 && is_compared(text[at])) {
      words.bytes.push_back(text[at]);
      words.lines.push_back(line);
    }
    const std::string_view skipped = text.substr(at, n_skipped);
    line += static_cast<uint32_t>(std::count(skipped.begin(), skipped.end(), '\n'));
    at += n_skipped;
  }
  return words;
}

// The text of the lines of `range`.
std::string_view lines_of(std::string_view text, LineRange range) {
  size_t begin = 0;
  for (uint32_t line = 1; line < range.first && begin < text.size(); ++line) {
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  }
  size_t end = begin;
  for (uint32_t line = range.first; line <= range.last && end < text.size(); ++line) {
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  }
  return text.substr(begin, end - begin);
}

}  // namespace

std::optional<LineRange> find_lines(std::string_view source, LineRange within,
                                    std::span<const std::string> quotes) {
  const Words words = words_of(lines_of(source, within), within.first);
  std::optional<LineRange> range;
  for (const std::string& quote : quotes) {
    const std::string wanted = words_of(quote, 1).bytes;
    if (wanted.empty()) continue;
    const size_t at = words.bytes.find(wanted);
    if (at == std::string::npos) return std::nullopt;
    const LineRange found{words.lines[at], words.lines[at + wanted.size() - 1]};
    if (!range) range = found;
    range->first = std::min(range->first, found.first);
    range->last = std::max(range->last, found.last);
  }
  return range;
}

}  // namespace docmind::pipeline
