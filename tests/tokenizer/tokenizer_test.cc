// Tokenizer: what all kinds share, and vocabularies that contradict themselves.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <limits>

#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

using Tokens = std::vector<TokenId>;

void expect_refused(const Vocabulary& vocabulary, std::string_view sentence) {
  const Error error = refusal_of(vocabulary);
  EXPECT_EQ(error.code, ErrorCode::kMalformed);
  EXPECT_NE(error.message.find(sentence), std::string::npos) << error.message;
}

TEST(Tokenizer, RefusesSizesThatDiffer) {
  expect_refused({}, "no tokens");
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.scores.pop_back();
  expect_refused(vocabulary, "255 scores for 256 tokens");
  vocabulary = byte_vocabulary();
  vocabulary.types.push_back(TokenType::kNormal);
  expect_refused(vocabulary, "257 token types for 256 tokens");
}

TEST(Tokenizer, RefusesValuesOutOfRange) {
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.eos = 256;
  expect_refused(vocabulary, "the eos token has the id 256, but there are 256 tokens");
  vocabulary.eos = -5;
  expect_refused(vocabulary, "the eos token has the id -5");
  vocabulary = byte_vocabulary();
  vocabulary.types[65] = static_cast<TokenType>(7);
  expect_refused(vocabulary, "the type of token 65 ('A') is 7");
  vocabulary = byte_vocabulary();
  vocabulary.scores[65] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(vocabulary, "the score of token 65 ('A') is nan");
  vocabulary = byte_vocabulary();
  vocabulary.tokens[3] = std::string(10'000, 'x');
  expect_refused(vocabulary, "token 3 has 10000 bytes");
}

TEST(Tokenizer, EmptyAndEqualTokensAreTaken) {
  Vocabulary vocabulary = byte_vocabulary();
  add(vocabulary, "");
  add(vocabulary, "", TokenType::kUserDefined);
  add(vocabulary, "", TokenType::kControl);
  const TokenId again = add(vocabulary, "a");
  for (const VocabularyKind kind : {VocabularyKind::kByteBpe, VocabularyKind::kSentencePieceBpe,
                                    VocabularyKind::kUnigram, VocabularyKind::kWordPiece}) {
    vocabulary.kind = kind;
    vocabulary.unknown = 0;
    const auto tokenizer = make(vocabulary);
    const Tokens tokens = tokenizer->encode("a a", {.parse_special = true});
    for (const TokenId token : tokens) EXPECT_LT(token, 256 + 4);
    EXPECT_FALSE(tokens.empty());
  }
  vocabulary.kind = VocabularyKind::kByteBpe;
  EXPECT_EQ(plain(*make(vocabulary), "a"), Tokens{again});  // the last one, as llama.cpp has it
}

TEST(Tokenizer, FindsTokensByTheirText) {
  Vocabulary vocabulary = byte_vocabulary();
  const TokenId mark = add(vocabulary, "<|mark|>", TokenType::kControl);
  const auto tokenizer = make(vocabulary);
  EXPECT_EQ(tokenizer->find("<|mark|>"), mark);
  EXPECT_EQ(tokenizer->find("Ġ"), TokenId{' '});
  EXPECT_EQ(tokenizer->find("<|mark"), std::nullopt);
  EXPECT_EQ(tokenizer->find(""), std::nullopt);
  EXPECT_EQ(tokenizer->n_tokens(), 257u);
}

TEST(Tokenizer, KnowsWhatEndsAnAnswer) {
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.eos = 1;
  vocabulary.eot = 2;
  vocabulary.eom = 3;
  const TokenId end = add(vocabulary, "<|im_end|>");
  const TokenId start = add(vocabulary, "<|im_start|>", TokenType::kControl);
  const auto tokenizer = make(vocabulary);
  for (const TokenId token : {1, 2, 3, end}) EXPECT_TRUE(tokenizer->ends_generation(token)) << token;
  for (const TokenId token : {0, start, -1, 10'000}) EXPECT_FALSE(tokenizer->ends_generation(token)) << token;
}

TEST(Tokenizer, IdsOutOfRangeAreNothing) {
  const auto tokenizer = make(byte_vocabulary());
  EXPECT_EQ(tokenizer->piece(-1, true), "");
  EXPECT_EQ(tokenizer->piece(256, true), "");
  EXPECT_EQ(tokenizer->decode(Tokens{'a', 300, -7, 'b'}), "ab");
}

TEST(Tokenizer, APairForXlmRobertaHasTwoSeparators) {
  const auto tokenizer = make(unigram_vocabulary({{"▁q", -1}, {"▁d", -1}, {"▁e", -1}}));
  size_t n_cut = 9;
  EXPECT_EQ(tokenizer->encode_pair("q", "d e", 20, &n_cut), (Tokens{0, 4, 2, 2, 5, 6, 2}));
  EXPECT_EQ(n_cut, 0u);
}

TEST(Tokenizer, APairForBertHasOneSeparator) {
  const auto tokenizer = make(word_piece_vocabulary({"▁q", "▁d"}));
  EXPECT_EQ(tokenizer->encode_pair("q", "d d", 20), (Tokens{2, 4, 3, 5, 5, 3}));
}

TEST(Tokenizer, APairIsCutToItsRoom) {
  const auto tokenizer = make(word_piece_vocabulary({"▁q", "▁d"}));
  size_t n_cut = 0;
  EXPECT_EQ(tokenizer->encode_pair("q", "d d d d", 6, &n_cut), (Tokens{2, 4, 3, 5, 5, 3}));
  EXPECT_EQ(n_cut, 2u);
  // The query gets half at most.
  EXPECT_EQ(tokenizer->encode_pair("q q q q q", "d d", 8, &n_cut), (Tokens{2, 4, 4, 4, 4, 3, 5, 3}));
  EXPECT_EQ(n_cut, 2u);
  for (size_t max = 0; max < 8; ++max) EXPECT_LE(tokenizer->encode_pair("q q", "d d", max).size(), max);
}

TEST(Tokenizer, APairCannotHoldSeparatorsOfItsOwn) {
  const auto tokenizer = make(unigram_vocabulary({{"▁", -1}, {"<", -1}, {"/", -1}, {"s", -1}, {">", -1}}));
  const Tokens tokens = tokenizer->encode_pair("</s>", "</s>", 100);
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 2), 3);
}

}  // namespace
}  // namespace docmind::tokenizer::test
