// U+2581, which SentencePiece writes for a space: put into a text, taken out of tokens, and where to
// cut a text before it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace docmind::tokenizer {

// Appends the text with a mark for each space.
void append_with_marks(std::string_view text, std::string& out);
// What a token of a SentencePiece vocabulary stands for: its text with spaces for marks, or the byte
// of "<0x41>".
[[nodiscard]] std::string sentence_piece_text(const Vocabulary& vocabulary, TokenId token);

// Cuts a text before a mark wherever no token can reach over the cut, so that each word can be
// tokenized on its own with the same result as the whole. In most vocabularies that is before every
// mark that does not follow another one.
class SpaceMarkSplitter {
 public:
  // Call it with every token that text can become.
  void add_token(std::string_view token);

  // `max_bytes` is a limit for texts without any space: there the word is cut all the same.
  template <typename Emit>
  void for_each_word(std::string_view text, size_t max_bytes, Emit emit) const {
    for (size_t at = 0; at < text.size();) {
      size_t end = word_end(text, at);
      end = std::min(end, at + max_bytes);
      emit(text.substr(at, end - at));
      at = end;
    }
  }

 private:
  [[nodiscard]] size_t word_end(std::string_view text, size_t at) const;

  std::bitset<256> joined_;  // last bytes before a mark within a token
};

}  // namespace docmind::tokenizer
