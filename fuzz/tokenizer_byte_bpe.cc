// Fuzzes byte-level BPE: any merges, any bytes; the text must come back where the vocabulary has all bytes.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  const fuzz::TokenizerInput input(fuzz::as_text(data, size));
  tokenizer::Vocabulary vocabulary = fuzz::vocabulary_of(input, tokenizer::VocabularyKind::kByteBpe);
  vocabulary.pre = input.option('2') ? "qwen2" : input.option('3') ? "llama-bpe" : input.option('d') ? "default" : "gpt-2";
  const bool all_bytes = !input.option('n');
  if (all_bytes) {
    char32_t next = 256;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
      std::string text;
      tokenizer::append_utf8(printable ? byte : next++, text);
      fuzz::add_token(vocabulary, text, tokenizer::TokenType::kNormal, 0);
    }
  }
  const auto tokenizer = tokenizer::Tokenizer::create(std::move(vocabulary));
  if (!tokenizer.ok()) return 0;
  const auto tokens = fuzz::check_encoding(**tokenizer, input.text);
  const std::string decoded = (*tokenizer)->decode(tokens);
  if (all_bytes) fuzz::require(decoded == input.text, "the text comes back");
  return 0;
}
