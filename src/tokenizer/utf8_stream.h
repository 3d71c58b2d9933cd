// Utf8Stream: joins pieces of bytes, as a model makes them token by token, to whole characters.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::tokenizer {

// What push() and finish() return, put together, is the bytes' text with U+FFFD for each invalid
// sequence (as to_valid_utf8 has it). A character is held back until its last byte has come.
class Utf8Stream {
 public:
  // The characters that are complete now; perhaps none.
  [[nodiscard]] std::string push(std::string_view bytes);
  // The rest: a character that never became complete is U+FFFD. The stream begins anew.
  [[nodiscard]] std::string finish();

 private:
  std::string held_;  // the beginning of a character: 3 bytes at most
};

}  // namespace docmind::tokenizer
