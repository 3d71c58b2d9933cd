// What format detection and decoding share: guesses about bytes whose encoding is unknown.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace docmind::ingest {

// A Unicode encoding known from a byte order mark, or, for UTF-16 and UTF-32 without one, from the
// positions of zero bytes. `name` is empty when neither says anything.
struct UnicodeGuess {
  std::string_view name;
  size_t bom_bytes = 0;
};
[[nodiscard]] UnicodeGuess guess_unicode(std::string_view bytes);

// Whether the first bytes look like no text of any encoding; a quick look at up to 8 KiB.
[[nodiscard]] bool looks_binary(std::string_view bytes);

// Whether `c` is a control character that text does not use (tab, line ends, form feed and escape
// are used).
[[nodiscard]] constexpr bool is_odd_control(unsigned char c) {
  return c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v' &&
                       c != 0x1B);
}

}  // namespace docmind::ingest
