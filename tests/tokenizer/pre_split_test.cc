// Pre-splits: each alternative of the expressions, their order, and their ends.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_split.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace docmind::tokenizer {
namespace {

using Words = std::vector<std::string>;

Words split(SplitRule rule, std::string_view text) {
  Words words;
  for_each_word(rule, text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(PreSplit, Gpt2KeepsTheSpaceBeforeAWord) {
  EXPECT_EQ(split(SplitRule::kGpt2, "Hello  world 42x!"), (Words{"Hello", " ", " world", " 42", "x", "!"}));
  EXPECT_EQ(split(SplitRule::kGpt2, "a\t b \n"), (Words{"a", "\t", " b", " \n"}));
  EXPECT_EQ(split(SplitRule::kGpt2, " ... ?!x"), (Words{" ...", " ?!", "x"}));
}

TEST(PreSplit, Gpt2KnowsContractionsInLowerCaseOnly) {
  EXPECT_EQ(split(SplitRule::kGpt2, "it's we'll I'd"), (Words{"it", "'s", " we", "'ll", " I", "'d"}));
  EXPECT_EQ(split(SplitRule::kGpt2, "IT'S 'x"), (Words{"IT", "'", "S", " '", "x"}));
}

TEST(PreSplit, Qwen2TakesOneMarkBeforeLettersAndSingleDigits) {
  EXPECT_EQ(split(SplitRule::kQwen2, "WE'VE(foo)_bar -x 123"),
            (Words{"WE", "'VE", "(foo", ")_", "bar", " -", "x", " ", "1", "2", "3"}));
  EXPECT_EQ(split(SplitRule::kQwen2, "\tx\nx"), (Words{"\tx", "\n", "x"}));
}

TEST(PreSplit, Qwen2KeepsLineEndsWithWhatIsBeforeThem) {
  EXPECT_EQ(split(SplitRule::kQwen2, "x !\r\n\n  y"), (Words{"x", " !\r\n\n", " ", " y"}));
  EXPECT_EQ(split(SplitRule::kQwen2, "x \n \n  y"), (Words{"x", " \n \n", " ", " y"}));
  EXPECT_EQ(split(SplitRule::kQwen2, "x   "), (Words{"x", "   "}));
}

TEST(PreSplit, Llama3TakesDigitsByThrees) {
  EXPECT_EQ(split(SplitRule::kLlama3, "12345 1"), (Words{"123", "45", " ", "1"}));
  EXPECT_EQ(split(SplitRule::kLlama3, "½²³④"), (Words{"½²³", "④"}));
}

TEST(PreSplit, TheDefaultSetsPunctuationAndDigitsApart) {
  EXPECT_EQ(split(SplitRule::kDefault, "a, 1234567`+b"), (Words{"a", ",", " ", "123", "456", "7", "`", "+", "b"}));
  EXPECT_EQ(split(SplitRule::kDefault, "½12345x"), (Words{"½", "123", "45", "x"}));
}

TEST(PreSplit, KnowsUnicodeClasses) {
  EXPECT_EQ(split(SplitRule::kGpt2, "日本語 русский٣"), (Words{"日本語", " русский", "٣"}));
  EXPECT_EQ(split(SplitRule::kGpt2, "e\u0301x"), (Words{"e", "\u0301", "x"}));  // a mark is no letter
  EXPECT_EQ(split(SplitRule::kGpt2, "x\u3000\u00a0y"), (Words{"x", "\u3000", "\u00a0", "y"}));
  EXPECT_EQ(split(SplitRule::kQwen2, "\U0002EBF0x"), (Words{"\U0002EBF0x"}));  // a letter since Unicode 15.1
}

TEST(PreSplit, NamesAreThoseOfTheFiles) {
  EXPECT_EQ(find_pre_split("qwen2")->rule, SplitRule::kQwen2);
  EXPECT_FALSE(find_pre_split("qwen2")->ignore_merges);
  EXPECT_EQ(find_pre_split("")->rule, SplitRule::kDefault);
  EXPECT_EQ(find_pre_split("gpt-2")->rule, SplitRule::kGpt2);
  EXPECT_EQ(find_pre_split("llama-bpe")->rule, SplitRule::kLlama3);
  EXPECT_TRUE(find_pre_split("llama-bpe")->ignore_merges);
  EXPECT_TRUE(find_pre_split("llama-bpe")->add_bos);
  const auto unknown = find_pre_split("tek\nken");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(unknown.error().message.find("'tek\\nken'"), std::string::npos) << unknown.error().message;
  EXPECT_NE(unknown.error().message.find("'llama-bpe'"), std::string::npos) << unknown.error().message;
}

TEST(PreSplit, WordsPutTogetherAreTheText) {
  rc::check([] {
    const auto bytes = *rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element(' ', '\n', '\r', '\'', 's', 'l', '1', '.')));
    for (const SplitRule rule : {SplitRule::kGpt2, SplitRule::kDefault, SplitRule::kQwen2, SplitRule::kLlama3}) {
      std::string together;
      for (const std::string& word : split(rule, bytes)) {
        RC_ASSERT(!word.empty());
        together += word;
      }
      RC_ASSERT(together == bytes);
    }
  });
}

}  // namespace
}  // namespace docmind::tokenizer
