// The four kinds of tokenizer; each file beside this one makes one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace docmind::tokenizer {

// The vocabulary has been checked: ids, sizes and scores hold what Vocabulary says.
Result<std::unique_ptr<Tokenizer>> make_byte_bpe(Vocabulary vocabulary);
Result<std::unique_ptr<Tokenizer>> make_sentence_piece_bpe(Vocabulary vocabulary);
Result<std::unique_ptr<Tokenizer>> make_unigram(Vocabulary vocabulary);
Result<std::unique_ptr<Tokenizer>> make_word_piece(Vocabulary vocabulary);

}  // namespace docmind::tokenizer
