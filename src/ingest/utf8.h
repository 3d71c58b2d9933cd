// UTF-8 helpers of the readers: check, repair, collapse, shorten.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace docmind::ingest {

// Whether every sequence is well-formed (no surrogates, no overlong forms). NUL is well-formed.
[[nodiscard]] bool is_valid_utf8(std::string_view bytes);

// What a look through bytes that may be UTF-8 finds.
struct Utf8Census {
  size_t n_multibyte = 0;  // well-formed sequences of two bytes and more
  size_t n_invalid = 0;    // maximal ill-formed pieces
};
[[nodiscard]] Utf8Census count_utf8(std::string_view bytes);

// Copies `bytes`, writing U+FFFD for each ill-formed piece and adding their number to `n_replaced`.
[[nodiscard]] std::string repair_utf8(std::string_view bytes, size_t& n_replaced);

// Appends the code point; U+FFFD for what is not a scalar value.
void append_utf8(std::string& out, uint32_t code_point);

// One line for titles: white space and control characters become single spaces, ends are trimmed,
// and no more than `max_bytes` are kept without splitting a sequence. `text` is valid UTF-8.
[[nodiscard]] std::string one_line(std::string_view text, size_t max_bytes);

// `text` without ASCII white space at its ends.
[[nodiscard]] std::string_view trim(std::string_view text);

}  // namespace docmind::ingest
