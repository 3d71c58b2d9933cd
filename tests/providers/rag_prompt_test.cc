// make_rag_prompt: which passages a model gets, and that they stay data.
// SPDX-License-Identifier: Apache-2.0
#include "providers/rag_prompt.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace docmind::providers {
namespace {

// A token a word and one a line end; like a tokenizer, it counts parts as the whole.
size_t count_words(std::string_view text) {
  size_t n = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    n += (c == '\n' ? 1 : 0) + (!space && !inside ? 1 : 0);
    inside = !space;
  }
  return n;
}

std::string words(size_t n, const std::string& word) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += word + std::to_string(i) + " ";
  return text;
}

RagPrompt make(std::string_view question, std::span<const Passage> passages, size_t max_tokens) {
  Result<RagPrompt> prompt = make_rag_prompt(question, passages, max_tokens, count_words);
  EXPECT_TRUE(prompt.ok()) << (prompt.ok() ? "" : prompt.error().message);
  return prompt.ok() ? *prompt : RagPrompt{};
}

TEST(RagPrompt, NumbersPassagesBeforeTheQuestion) {
  const std::vector<Passage> passages{
      {.text = "Leave is thirty days.", .title = "Leave policy", .heading = "Leave policy > Annual"},
      {.text = "The pump weighs forty kilograms.", .title = "Pump", .heading = "Data"}};
  const RagPrompt prompt = make("How long is leave?", passages, 10'000);
  EXPECT_EQ(prompt.user,
            "Passages:\n\n[1] Leave policy > Annual\nLeave is thirty days.\n\n"
            "[2] Pump > Data\nThe pump weighs forty kilograms.\n\nQuestion: How long is leave?");
  EXPECT_EQ(prompt.n_passages, 2U);
  EXPECT_FALSE(prompt.cut);
  EXPECT_NE(prompt.system.find(kNoAnswerSentence), std::string::npos);
  EXPECT_NE(prompt.system.find("[1]"), std::string::npos);
}

TEST(RagPrompt, BeginsAlikeForAnotherQuestion) {
  const std::string a = words(50, "a");
  const std::string b = words(50, "b");
  const std::vector<Passage> passages{{.text = a, .title = "T"}, {.text = b, .title = "U"}};
  const RagPrompt one = make("First?", passages, 10'000);
  const RagPrompt other = make("Second, longer question?", passages, 10'000);
  EXPECT_EQ(one.system, other.system);
  EXPECT_EQ(one.user.substr(0, one.user.find("Question:")), other.user.substr(0, other.user.find("Question:")));
}

TEST(RagPrompt, TakesThePassagesThatFitAndCutsTheLastAtAWord) {
  const std::string a = words(100, "a");
  const std::string b = words(300, "b");
  const std::string c = words(10, "c");
  const std::vector<Passage> passages{
      {.text = a, .title = "A"}, {.text = b, .title = "B"}, {.text = c, .title = "C"}};
  const RagPrompt all = make("Q?", passages, 10'000);
  const size_t n_all = count_words(all.system) + count_words(all.user);
  const RagPrompt some = make("Q?", passages, n_all - 150);
  EXPECT_EQ(some.n_passages, 2U);
  EXPECT_TRUE(some.cut);
  EXPECT_NE(some.user.find("b100"), std::string::npos) << some.user;
  EXPECT_EQ(some.user.find("b250"), std::string::npos);
  EXPECT_EQ(some.user.find("[3]"), std::string::npos);
  const size_t end = some.user.find("\n\nQuestion:");
  ASSERT_NE(end, std::string::npos);
  const std::string last = some.user.substr(some.user.rfind(' ', end) + 1, end - some.user.rfind(' ', end) - 1);
  EXPECT_NE(b.find(last + " "), std::string::npos) << "a whole word: " << last;
  // What is too little of a passage to say anything is left out.
  EXPECT_EQ(make("Q?", passages, n_all - 320).n_passages, 1U);
}

TEST(RagPrompt, SaysWhenNothingFits) {
  const std::string text = words(100, "a");
  const std::vector<Passage> passages{{.text = text}};
  const Result<RagPrompt> refused = make_rag_prompt(words(200, "q"), passages, 250, count_words);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find("of the 250 tokens"), std::string::npos) << refused.error().message;
}

TEST(RagPrompt, MakesADocumentsOwnMarksAndControlsHarmless) {
  const std::vector<Passage> passages{
      {.text = "As shown in [2], a[0] is\x1b[31m red.\r\n[x] [12] <|im_end|>", .title = "T [1]"}};
  const RagPrompt prompt = make("Why?\n\x07", passages, 10'000);
  EXPECT_NE(prompt.user.find("As shown in (2), a(0) is[31m red.\n[x] (12) <|im_end|>"), std::string::npos)
      << prompt.user;
  EXPECT_NE(prompt.user.find("[1] T (1)\n"), std::string::npos);
  EXPECT_TRUE(prompt.user.ends_with("Question: Why?"));
}

TEST(RagPromptProperties, NeverTakesMoreThanItMay) {
  EXPECT_TRUE(rc::check("tokens", [] {
    std::vector<std::string> texts;
    for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
      texts.push_back(words(*rc::gen::inRange<size_t>(0, 200), "w") + *rc::gen::arbitrary<std::string>());
    }
    std::vector<Passage> passages;
    for (const std::string& text : texts) passages.push_back({.text = text, .title = "T"});
    const size_t max_tokens = *rc::gen::inRange<size_t>(0, 1'500);
    const Result<RagPrompt> prompt = make_rag_prompt("A question?", passages, max_tokens, count_words);
    if (!prompt.ok()) {
      RC_ASSERT(prompt.error().code == ErrorCode::kLimit);
      return;
    }
    RC_ASSERT(count_words(prompt->system) + count_words(prompt->user) <= max_tokens);
    RC_ASSERT(is_valid_utf8(prompt->user));
    RC_ASSERT(prompt->n_passages >= 1U);
  }));
}

}  // namespace
}  // namespace docmind::providers
