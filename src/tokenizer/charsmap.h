// Charsmap: SentencePiece's precompiled normalisation, which replaces prefixes of a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::tokenizer {

// Format: a u32 size in bytes, an XOR-compressed double array of u32 units (S. Kanda, "Space- and
// Time-Efficient String Dictionaries", 2018) of that size, then the replacements, each ended by a
// NUL. Every index that the array gives is checked; one that leads outside ends the search. Immutable
// and safe to use from several threads.
class Charsmap {
 public:
  Charsmap() = default;  // replaces nothing
  // kMalformed when the parts do not fit the bytes. Empty bytes are a map that replaces nothing.
  static Result<Charsmap> parse(std::string_view bytes);

  // What the text's first n_bytes become; n_bytes > 0. A character that the map does not know stays,
  // a byte that is no UTF-8 becomes U+FFFD.
  struct Piece {
    std::string_view text;  // borrowed from the map or from the given text
    size_t n_bytes = 0;
  };
  [[nodiscard]] Piece normalise_front(std::string_view text) const {
    const auto first = static_cast<uint8_t>(text[0]);
    if (first < 0x80 && alone_[first] && (text.size() == 1 || static_cast<uint8_t>(text[1]) < 0x80)) {
      return {text.substr(0, 1), 1};
    }
    return longest(text);
  }

 private:
  [[nodiscard]] Piece longest(std::string_view text) const;
  // The longest key that begins the text: its length, 0 without one, and its value.
  struct Match {
    size_t n_bytes = 0;
    uint32_t value = 0;
  };
  [[nodiscard]] Match match(std::string_view text) const;
  void find_plain_ascii();

  std::vector<uint32_t> units_;
  std::string replacements_;
  // ASCII characters that stay as they are when no character outside ASCII follows: most of a text.
  std::array<bool, 128> alone_{};
};

}  // namespace docmind::tokenizer
