// Byte-level BPE: merges, bytes, whole words, and vocabularies that are not what they should be.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <thread>

#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

TEST(ByteBpe, MergesInTheOrderOfTheList) {
  Vocabulary vocabulary = byte_vocabulary();
  add_merge(vocabulary, "b", "c");
  add_merge(vocabulary, "a", "b");
  add_merge(vocabulary, "ab", "c");
  EXPECT_EQ(pieces_of(*make(vocabulary), "abc"), "a|bc");  // bc came first, so ab never forms
}

TEST(ByteBpe, MergesWithinWordsOnly) {
  Vocabulary vocabulary = byte_vocabulary();
  add_merge(vocabulary, "a", "Ġ");
  const TokenId space_b = add_merge(vocabulary, "Ġ", "b");
  const auto tokenizer = make(vocabulary);
  EXPECT_EQ(pieces_of(*tokenizer, "a b"), "a|Ġb");
  EXPECT_EQ(tokenizer->piece(space_b, false), " b");
}

TEST(ByteBpe, UnknownCharactersAreTheirBytes) {
  const auto tokenizer = make(byte_vocabulary());
  EXPECT_EQ(plain(*tokenizer, "é\n"), (std::vector<TokenId>{0xC3, 0xA9, '\n'}));
  EXPECT_EQ(tokenizer->piece(0xC3, false), "\xC3");
}

TEST(ByteBpe, TheSameWordTwiceGivesTheSame) {
  // "ab" is a token and what its merges give; "cd" is a token that no merge gives.
  Vocabulary vocabulary = byte_vocabulary();
  add_merge(vocabulary, "a", "b");
  add(vocabulary, "cd");
  const auto tokenizer = make(vocabulary);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(pieces_of(*tokenizer, "ab"), "ab");
    EXPECT_EQ(pieces_of(*tokenizer, "cd"), "c|d");
  }
}

TEST(ByteBpe, Llama3TakesAWordThatIsATokenWithoutMerging) {
  Vocabulary vocabulary = byte_vocabulary("llama-bpe");
  add(vocabulary, "cd");
  EXPECT_EQ(pieces_of(*make(vocabulary), "cd"), "cd");
}

TEST(ByteBpe, TextNeverBecomesAControlToken) {
  for (const char* pre : {"gpt-2", "llama-bpe"}) {
    Vocabulary vocabulary = byte_vocabulary(pre);
    const TokenId stop = add_merge(vocabulary, "S", "T");
    vocabulary.types[static_cast<size_t>(stop)] = TokenType::kControl;
    const auto tokenizer = make(vocabulary);
    EXPECT_EQ(pieces_of(*tokenizer, "ST"), "S|T") << pre;
    EXPECT_EQ(pieces_of(*tokenizer, "aST", {.add_special = false, .parse_special = true}), "a|ST") << pre;
  }
}

TEST(ByteBpe, MergesMayMakeWhatIsNoToken) {
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.merges = {"x y", "xy z", "日 本", "q r"};  // the third has characters that stand for no byte
  add(vocabulary, "xyz");
  EXPECT_EQ(pieces_of(*make(vocabulary), "xyz"), "xyz");
  EXPECT_EQ(pieces_of(*make(vocabulary), "xyqr"), "x|y|q|r");
}

TEST(ByteBpe, AVocabularyWithoutSomeBytesDropsThemOrSaysUnknown) {
  Vocabulary vocabulary;
  vocabulary.pre = "gpt-2";
  const TokenId a = add(vocabulary, "a");
  EXPECT_EQ(plain(*make(vocabulary), "aba"), (std::vector<TokenId>{a, a}));
  vocabulary.unknown = add(vocabulary, "<unk>", TokenType::kUnknown);
  EXPECT_EQ(pieces_of(*make(vocabulary), "aba"), "a|<unk>|a");
}

TEST(ByteBpe, RefusesMergesThatAreNoPair) {
  for (const char* merge : {"", "ab", "a ", " "}) {
    Vocabulary vocabulary = byte_vocabulary();
    add_merge(vocabulary, "a", "b");
    vocabulary.merges.push_back(merge);
    const Error error = refusal_of(vocabulary);
    EXPECT_EQ(error.code, ErrorCode::kMalformed);
    EXPECT_NE(error.message.find(fmt::format("merge 1 is '{}'", merge)), std::string::npos) << error.message;
  }
}

TEST(ByteBpe, AnyBytesComeBack) {
  Vocabulary vocabulary = byte_vocabulary();
  for (const auto& [left, right] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Ã", "©"}, {"Ġ", "Ġ"}, {"ĠĠ", "ĠĠ"}, {"e", "s"}, {"Ċ", "Ċ"}, {"'", "s"}}) {
    add_merge(vocabulary, left, right);
  }
  for (const char* pre : {"gpt-2", "default", "qwen2", "llama-bpe"}) {
    vocabulary.pre = pre;
    const auto tokenizer = make(vocabulary);
    rc::check([&] {
      const auto bytes = *rc::gen::container<std::string>(
          rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element(' ', '\n', 'e', 's', '\'', '\xC3', '\xA9')));
      RC_ASSERT(tokenizer->decode(plain(*tokenizer, bytes)) == bytes);
    });
  }
}

TEST(ByteBpe, ThreadsShareATokenizer) {
  Vocabulary vocabulary = byte_vocabulary();
  for (char c = 'a'; c < 'z'; ++c) add_merge(vocabulary, std::string(1, c), std::string(1, static_cast<char>(c + 1)));
  std::string text;
  for (int i = 0; i < 2'000; ++i) text += fmt::format(" {}{}", static_cast<char>('a' + i % 26), i % 7 == 0 ? "b" : "");
  const std::vector<TokenId> expected = plain(*make(vocabulary), text);
  const auto tokenizer = make(vocabulary);  // one that has not seen a word yet
  std::vector<std::vector<TokenId>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = plain(*tokenizer, text); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(ByteBpe, AWordOfTenMegabytesTakesNoQuadraticTime) {
  Vocabulary vocabulary = byte_vocabulary();
  add_merge(vocabulary, "a", "a");
  add_merge(vocabulary, "aa", "aa");
  const auto tokenizer = make(vocabulary);
  EXPECT_EQ(plain(*tokenizer, std::string(10'000'003, 'a')).size(), 2'500'002u);
}

}  // namespace
}  // namespace docmind::tokenizer::test
