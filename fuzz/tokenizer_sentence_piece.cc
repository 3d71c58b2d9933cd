// Fuzzes SentencePiece BPE: any pieces and scores; with tokens for spaces and bytes the text must come back.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "fuzz/check_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  const fuzz::TokenizerInput input(fuzz::as_text(data, size));
  tokenizer::Vocabulary vocabulary = fuzz::vocabulary_of(input, tokenizer::VocabularyKind::kSentencePieceBpe);
  // Tokens of other types are found first or mean other bytes; then the text need not come back.
  const bool plain = std::ranges::all_of(vocabulary.types.begin() + 3, vocabulary.types.end(), [](auto type) {
    return type == tokenizer::TokenType::kNormal;
  });
  if (!input.option('n')) {
    fuzz::add_token(vocabulary, std::string(tokenizer::kSpaceMark), tokenizer::TokenType::kNormal, 0);
    for (int byte = 0; byte < 256; ++byte) {
      fuzz::add_token(vocabulary, fmt::format("<0x{:02X}>", byte), tokenizer::TokenType::kByte, 0);
    }
  }
  const auto tokenizer = tokenizer::Tokenizer::create(std::move(vocabulary));
  if (!tokenizer.ok()) return 0;
  const auto tokens = fuzz::check_encoding(**tokenizer, input.text);
  const std::string decoded = (*tokenizer)->decode(tokens);
  if (plain && !input.option('n') && input.text.find(tokenizer::kSpaceMark) == std::string_view::npos) {
    fuzz::require(decoded == input.text, "the text comes back");
  }
  return 0;
}
