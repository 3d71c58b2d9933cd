// SentencePiece BPE: scores, space marks, bytes for unknown characters.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tokenizer/space_mark.h"
#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

TEST(SentencePieceBpe, MergesTheBestScoreFirst) {
  const auto tokenizer = make(sentence_piece_vocabulary({"bc", "ab", "abc", "a", "b", "c", "▁"}));
  EXPECT_EQ(pieces_of(*tokenizer, "abc"), "▁|abc");      // bc, then a + bc
  EXPECT_EQ(pieces_of(*tokenizer, "aabb"), "▁|a|ab|b");  // ab in the middle
}

TEST(SentencePieceBpe, OfEqualScoresTheLeftmostGoesFirst) {
  Vocabulary vocabulary = sentence_piece_vocabulary({"a", "▁"});
  add(vocabulary, "aa", TokenType::kNormal, -1);
  EXPECT_EQ(pieces_of(*make(vocabulary), "aaa"), "▁|aa|a");
}

TEST(SentencePieceBpe, PutsASpaceInFrontUnlessTheFileSaysNo) {
  Vocabulary vocabulary = sentence_piece_vocabulary({"▁a", "a", "▁", "▁▁"});
  EXPECT_EQ(pieces_of(*make(vocabulary), "a a  a"), "▁a|▁a|▁|▁a");
  EXPECT_EQ(make(vocabulary)->decode(plain(*make(vocabulary), " a a  a")), " a a  a");
  vocabulary.add_space_prefix = false;
  EXPECT_EQ(pieces_of(*make(vocabulary), "a a"), "a|▁a");
  EXPECT_EQ(make(vocabulary)->decode(plain(*make(vocabulary), " a")), " a");
}

TEST(SentencePieceBpe, TheSpaceIsPutAfterEverySpecialToken) {
  const auto tokenizer = make(sentence_piece_vocabulary({"▁a", "a", "▁"}));
  EXPECT_EQ(pieces_of(*tokenizer, "a</s>a", {.add_special = true, .parse_special = true}), "<s>|▁a|</s>|▁a");
  EXPECT_EQ(pieces_of(*tokenizer, "", {.add_special = true}), "<s>");
}

TEST(SentencePieceBpe, UnknownCharactersAreByteTokens) {
  const auto tokenizer = make(sentence_piece_vocabulary({"▁"}));
  EXPECT_EQ(pieces_of(*tokenizer, "é"), "▁|<0xC3>|<0xA9>");
  EXPECT_EQ(tokenizer->decode(plain(*tokenizer, "é")), "é");
  EXPECT_EQ(tokenizer->decode(plain(*tokenizer, "\xC3")), "\xC3");
}

TEST(SentencePieceBpe, TextNeverBecomesAControlOrByteToken) {
  // "<s>" and "<0x41>" could be merged from these.
  const auto tokenizer = make(sentence_piece_vocabulary({"▁", "<s", "<0x41", "<", ">", "s", "<0", "<0x", "<0x4"}));
  EXPECT_EQ(pieces_of(*tokenizer, "<s>"), "▁|<s|>");
  EXPECT_EQ(tokenizer->decode(plain(*tokenizer, "<0x41>")), "<0x41>");
}

TEST(SentencePieceBpe, WithoutBytesUnknownCharactersAreUnknown) {
  Vocabulary vocabulary;
  vocabulary.kind = VocabularyKind::kSentencePieceBpe;
  vocabulary.unknown = add(vocabulary, "<unk>", TokenType::kUnknown);
  add(vocabulary, "▁a");
  add(vocabulary, "▁");
  add(vocabulary, "a");
  EXPECT_EQ(pieces_of(*make(vocabulary), "aé"), "▁a|<unk>|<unk>");
}

TEST(SentencePieceBpe, TokensMayReachOverSpaces) {
  // With "b▁" in the vocabulary words are no longer independent of each other.
  const auto tokenizer = make(sentence_piece_vocabulary({"b▁", "▁a", "a", "b", "▁"}));
  EXPECT_EQ(pieces_of(*tokenizer, "ab ab"), "▁a|b▁|a|b");
}

TEST(SentencePieceBpe, TextComesBack) {
  const auto tokenizer = make(sentence_piece_vocabulary({"▁a", "es", "e", "s", "▁", "▁▁", "b▁", "é"}));
  rc::check([&] {
    auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::arbitrary<char>(), rc::gen::element(' ', '\n', 'e', 's', 'a', 'b', '<', '\xC3', '\xA9')));
    // U+2581 itself comes back as the space that it stands for.
    RC_PRE(text.find(kSpaceMark) == std::string::npos);
    RC_ASSERT(tokenizer->decode(plain(*tokenizer, text)) == text);
  });
}

TEST(SpaceMarkSplitter, CutsOnlyWhereNoTokenReachesOver) {
  SpaceMarkSplitter splitter;
  for (const char* token : {"▁a", "▁▁▁", "b▁c", "a"}) splitter.add_token(token);
  const auto words = [&](std::string_view text, size_t max_bytes) {
    std::string joined;
    splitter.for_each_word(text, max_bytes, [&](std::string_view word) { joined.append(word).append("|"); });
    return joined;
  };
  EXPECT_EQ(words("▁a▁▁a▁b▁c▁d", 100), "▁a|▁▁a|▁b▁c|▁d|");
  EXPECT_EQ(words("▁", 100), "▁|");
  EXPECT_EQ(words("aaaaa", 2), "aa|aa|a|");
  EXPECT_EQ(words("", 2), "");
}

}  // namespace
}  // namespace docmind::tokenizer::test
