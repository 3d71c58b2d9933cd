// Fuzzes WordPiece: any pieces, any bytes.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  const fuzz::TokenizerInput input(fuzz::as_text(data, size));
  const auto tokenizer =
      tokenizer::Tokenizer::create(fuzz::vocabulary_of(input, tokenizer::VocabularyKind::kWordPiece));
  if (!tokenizer.ok()) return 0;
  (void)(*tokenizer)->decode(fuzz::check_encoding(**tokenizer, input.text));
  return 0;
}
