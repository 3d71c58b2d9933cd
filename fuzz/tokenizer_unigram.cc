// Fuzzes unigram: any pieces and scores, any bytes for a charsmap.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  const fuzz::TokenizerInput input(fuzz::as_text(data, size));
  const auto tokenizer =
      tokenizer::Tokenizer::create(fuzz::vocabulary_of(input, tokenizer::VocabularyKind::kUnigram));
  if (!tokenizer.ok()) return 0;
  const auto tokens = fuzz::check_encoding(**tokenizer, input.text);
  for (size_t i = 1; i < tokens.size(); ++i) {
    // User-defined tokens are found first and separate what is unknown before and after them.
    fuzz::require(tokens[i] != 2 || tokens[i - 1] != 2, "unknown neighbours are one token");
  }
  (void)(*tokenizer)->decode(tokens);
  return 0;
}
