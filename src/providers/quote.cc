// quote_of: the one form in which a span of a document is shown and checked.
// SPDX-License-Identifier: Apache-2.0
#include "providers/quote.h"

#include <algorithm>
#include <cstddef>

#include "base/ascii.h"

namespace docmind::providers {
namespace {

// Length of the character at `text` that must not reach a terminal or a page; 0 for others:
// C0 and C1 controls, direction marks and overrides (U+200E, U+200F, U+202A-E, U+2066-9).
size_t hidden_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  if ((byte(0) < 0x20 && !is_space(text[0])) || byte(0) == 0x7F) return 1;
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) < 0xA0) return 2;
  if (byte(0) != 0xE2) return 0;
  const bool mark = byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F);
  const bool embedding = byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE;
  const bool isolate = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
  return mark || embedding || isolate ? 3 : 0;
}

std::string without_hidden(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (const size_t hidden = hidden_length(text.substr(at, 3)); hidden > 0) {
      at += hidden;
    } else {
      clean.push_back(text[at++]);
    }
  }
  return clean;
}

}  // namespace

std::string quote_of(std::string_view span) {
  std::string quote;
  quote.reserve(span.size());
  bool space = false;
  for (const char c : without_hidden(span)) {
    if (is_space(c)) {
      space = true;
      continue;
    }
    if (space && !quote.empty()) quote.push_back(' ');
    space = false;
    quote.push_back(c);
  }
  return quote;
}

std::string quote_lines_of(std::string_view span) {
  const std::string clean = without_hidden(span);
  std::string quote;
  for (size_t at = 0; at < clean.size();) {
    const size_t stop = std::min(clean.find('\n', at), clean.size());
    std::string line = clean.substr(at, stop - at);
    // A lone carriage return would let a line write over itself on a terminal.
    std::replace_if(
        line.begin(), line.end(), [](char c) { return is_space(c) && c != '\t'; }, ' ');
    if (const size_t last = line.find_last_not_of(" \t"); last != std::string::npos) {
      if (!quote.empty()) quote.push_back('\n');
      quote.append(line, 0, last + 1);
    }
    at = stop + 1;
  }
  return quote;
}

std::string visible_text(std::string_view text) {
  std::string clean = without_hidden(text);
  std::erase_if(clean, [](char c) { return is_space(c) && c != '\n' && c != '\t' && c != ' '; });
  return clean;
}

}  // namespace docmind::providers
