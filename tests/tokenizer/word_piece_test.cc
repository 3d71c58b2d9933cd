// WordPiece: BERT's normalisation and words, the longest token first.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

TEST(WordPiece, TakesTheLongestTokenFromTheLeft) {
  const auto tokenizer = make(word_piece_vocabulary({"▁un", "▁unaff", "able", "aff", "a", "ff"}));
  EXPECT_EQ(pieces_of(*tokenizer, "unaffable"), "▁unaff|able");
  EXPECT_EQ(pieces_of(*tokenizer, "unaff unable"), "▁unaff|▁un|able");
}

TEST(WordPiece, AWordOfWhichAPartIsUnknownIsUnknown) {
  const auto tokenizer = make(word_piece_vocabulary({"▁un", "able"}));
  EXPECT_EQ(pieces_of(*tokenizer, "unable unfable x"), "▁un|able|[UNK]|[UNK]");
}

TEST(WordPiece, PunctuationAndChineseStandAlone) {
  const auto tokenizer = make(word_piece_vocabulary({"▁a", "▁,", "▁$", "▁日", "▁本", "▁か", "な"}));
  EXPECT_EQ(pieces_of(*tokenizer, "a,a$日本かな"), "▁a|▁,|▁a|▁$|▁日|▁本|▁か|な");
}

TEST(WordPiece, LowersCaseAndStripsAccentsUnlessTheFileSaysNo) {
  Vocabulary vocabulary = word_piece_vocabulary({"▁cafe", "▁café", "▁Café", "▁Cafe"});
  EXPECT_EQ(pieces_of(*make(vocabulary), "Café Cafe\u0301"), "▁cafe|▁cafe");
  vocabulary.strip_accents = false;
  EXPECT_EQ(pieces_of(*make(vocabulary), "Café"), "▁café");
  vocabulary.lowercase = false;
  EXPECT_EQ(pieces_of(*make(vocabulary), "Café"), "▁Café");
  vocabulary.strip_accents = true;
  EXPECT_EQ(pieces_of(*make(vocabulary), "Café"), "▁Cafe");
}

TEST(WordPiece, ControlCharactersVanishAndAllWhiteSpaceSeparates) {
  const auto tokenizer = make(word_piece_vocabulary({"▁ab", "▁a", "▁b"}));
  EXPECT_EQ(pieces_of(*tokenizer, std::string_view("a\0b a\u200bb a\uFFFDb\xFF", 15)), "▁ab|▁ab|▁ab");
  EXPECT_EQ(pieces_of(*tokenizer, "a\tb\u3000a\u2028b\n"), "▁a|▁b|▁a|▁b");
}

TEST(WordPiece, AddsBothEndsAndDecodesWithSpaces) {
  const auto tokenizer = make(word_piece_vocabulary({"▁un", "able", "▁,"}));
  EXPECT_EQ(pieces_of(*tokenizer, "unable", {.add_special = true}), "[CLS]|▁un|able|[SEP]");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("Unable, unable", {})), "unable , unable");
  EXPECT_EQ(pieces_of(*tokenizer, "", {.add_special = true}), "[CLS]|[SEP]");
}

TEST(WordPiece, TextNeverBecomesAControlToken) {
  // Without punctuation around it a mark could be a word.
  Vocabulary vocabulary = word_piece_vocabulary({"▁e", "os"});
  vocabulary.eos = add(vocabulary, "▁eos", TokenType::kControl);
  EXPECT_EQ(pieces_of(*make(vocabulary), "eos"), "▁e|os");
}

TEST(WordPiece, AVocabularyWithoutWordsKnowsNothing) {
  EXPECT_EQ(pieces_of(*make(word_piece_vocabulary({"a"})), "a b"), "[UNK]|[UNK]");
  Vocabulary vocabulary = word_piece_vocabulary({"▁a"});
  vocabulary.unknown.reset();
  EXPECT_EQ(refusal_of(vocabulary).code, ErrorCode::kMalformed);
}

TEST(WordPiece, TheMarkAloneMayBeAToken) {
  const auto tokenizer = make(word_piece_vocabulary({"▁", "a", "▁ab"}));
  EXPECT_EQ(pieces_of(*tokenizer, "aa ab"), "▁|a|a|▁ab");
}

}  // namespace
}  // namespace docmind::tokenizer::test
