// The printable characters that stand for bytes in the vocabularies of byte-level BPE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/unicode.h"

namespace docmind::tokenizer {

// GPT-2's: a printable character of Latin-1 is its own byte, the others follow from U+0100 on.
class ByteAlphabet {
 public:
  ByteAlphabet() {
    bytes_.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
      bytes_[printable ? static_cast<char32_t>(byte) : next++] = static_cast<int16_t>(byte);
    }
  }

  // The bytes that a token's text stands for; nothing when it has a character that stands for none.
  [[nodiscard]] std::optional<std::string> bytes_of(std::string_view text) const {
    std::string bytes;
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      if (c.value >= bytes_.size() || bytes_[c.value] < 0) return std::nullopt;
      bytes.push_back(static_cast<char>(bytes_[c.value]));
      at += c.n_bytes;
    }
    return bytes;
  }

 private:
  std::array<int16_t, 0x144> bytes_{};  // by character; -1 where it stands for none
};

}  // namespace docmind::tokenizer
