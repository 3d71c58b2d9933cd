// U+2581 in texts and tokens.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/space_mark.h"

#include <charconv>

namespace docmind::tokenizer {

void append_with_marks(std::string_view text, std::string& out) {
  for (;;) {
    const size_t space = text.find(' ');
    out += text.substr(0, space);
    if (space == std::string_view::npos) return;
    out += kSpaceMark;
    text.remove_prefix(space + 1);
  }
}

std::string sentence_piece_text(const Vocabulary& vocabulary, TokenId token) {
  const auto id = static_cast<size_t>(token);
  std::string_view text = vocabulary.tokens[id];
  if (vocabulary.types[id] == TokenType::kByte && text.size() == 6 && text.starts_with("<0x")) {
    uint8_t byte = 0;
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
    if (error == std::errc() && end == text.data() + 5) return std::string(1, static_cast<char>(byte));
  }
  std::string plain;
  for (;;) {
    const size_t mark = text.find(kSpaceMark);
    plain += text.substr(0, mark);
    if (mark == std::string_view::npos) return plain;
    plain += ' ';
    text.remove_prefix(mark + kSpaceMark.size());
  }
}

void SpaceMarkSplitter::add_token(std::string_view token) {
  for (size_t mark = token.find(kSpaceMark, 1); mark != std::string_view::npos;
       mark = token.find(kSpaceMark, mark + 1)) {
    if (!token.substr(0, mark).ends_with(kSpaceMark)) joined_.set(static_cast<uint8_t>(token[mark - 1]));
  }
}

size_t SpaceMarkSplitter::word_end(std::string_view text, size_t at) const {
  while (text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
  for (;;) {
    const size_t mark = text.find(kSpaceMark, at);
    if (mark == std::string_view::npos) return text.size();
    if (mark > at && !joined_.test(static_cast<uint8_t>(text[mark - 1]))) return mark;
    at = mark + kSpaceMark.size();
  }
}

}  // namespace docmind::tokenizer
