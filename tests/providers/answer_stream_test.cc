// From a model's text to an answer: thoughts, marks and refusals, however the text is cut.
// SPDX-License-Identifier: Apache-2.0
#include "providers/answer_stream.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

namespace docmind::providers {
namespace {

struct Seen {
  std::string text;
  std::string streamed;
  bool refused = false;
  bool has_marks = false;
  bool only_thought = false;
};

Seen run(std::string_view text, size_t n_passages = 3, size_t step = 1) {
  Seen seen;
  const TextSink sink = [&](std::string_view piece) {
    EXPECT_FALSE(piece.empty());
    seen.streamed += piece;
    return true;
  };
  AnswerStream stream(n_passages, sink);
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(at + step, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    EXPECT_TRUE(stream.feed(text.substr(at, end - at)));
    at = end;
  }
  seen.only_thought = stream.only_thought();
  EXPECT_TRUE(stream.finish());
  seen.text = stream.text();
  seen.refused = stream.refused();
  seen.has_marks = stream.has_marks();
  return seen;
}

TEST(AnswerStream, KeepsMarksOfGivenPassagesAndDropsInventedOnes) {
  EXPECT_EQ(run("A fact [1]. Another [4]. Third[2][9].").text, "A fact [1]. Another. Third[2].");
  EXPECT_EQ(run("Both [1, 3] and [1-2] and [Passage 2] and [sources 1; 3].").text,
            "Both [1][3] and [1][2] and [2] and [1][3].");
  EXPECT_EQ(run("None [7, 8] here [0].").text, "None here.");
  EXPECT_FALSE(run("None [7, 8] here [0].").has_marks);
  EXPECT_TRUE(run("One [1]").has_marks);
}

TEST(AnswerStream, LeavesOtherBracketsAlone) {
  for (const char* text : {"[x] done", "a [note] b", "[]", "[ ]", "[1", "x [1, two]", "[-3]", "[3-1]", "[[1]]",
                           "see [passage] there", "a  b", "[1234567]", "ends with space ", "[passage 1 of 2]"}) {
    EXPECT_EQ(run(text).text, text);
  }
}

TEST(AnswerStream, DropsThoughts) {
  const Seen seen = run("<think>\nLet me see [1].\n</think>\n\nIt is blue [2].");
  EXPECT_EQ(seen.text, "It is blue [2].");
  EXPECT_FALSE(seen.only_thought);
  EXPECT_TRUE(run("<think>I am not done").only_thought);
  EXPECT_EQ(run("<think>I am not done").text, "");
  EXPECT_EQ(run("\n Thinking <think> is shown").text, "Thinking <think> is shown");
  EXPECT_EQ(run("<thi").text, "<thi");
  EXPECT_EQ(run("<think></think>").text, "");
}

TEST(AnswerStream, HoldsBackARefusal) {
  for (const char* text : {"The passages do not contain the answer.", "the passages don\u2019t say that",
                           "I cannot answer this from the passages.", "None of the passages mention it.",
                           "<think>Hm.</think>The passages do not contain the answer.",
                           "The passages do not contain the answer [7]."}) {
    const Seen seen = run(text);
    EXPECT_TRUE(seen.refused) << text;
    EXPECT_EQ(seen.streamed, "") << text;
  }
  for (const char* text : {"The passages describe a pump [1].", "The pump does not run.", "The pass",
                           "The passages do not name a date, but the notice period is three months [2].", ""}) {
    const Seen seen = run(text);
    EXPECT_FALSE(seen.refused) << text;
    EXPECT_EQ(seen.text, text);
  }
  const std::string long_answer = "The passages do not say it in one place. " + std::string(300, 'x');
  EXPECT_EQ(run(long_answer).text, long_answer) << "too long for a refusal";
}

TEST(AnswerStream, LeavesOutWhatATerminalWouldObey) {
  EXPECT_EQ(run("red \x1b[31mtext\x07\r\nnext\tline").text, "red [31mtext\nnext\tline");
}

TEST(AnswerStream, StopsWhenTheSinkWantsNoMore) {
  const TextSink refuses = [](std::string_view) { return false; };
  AnswerStream stream(1, refuses);
  EXPECT_FALSE(stream.feed("Blue it is."));
}

TEST(AnswerStreamProperties, DoNotDependOnHowTheTextIsCut) {
  EXPECT_TRUE(rc::check("pieces", [] {
    const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "<think>", "</think>", "word", " ", "[1]", "[", "]", "1", ",", "-", "[2, 9]", "[Passage 3]", "\n",
        "The passages do not", "."));
    std::string text;
    for (const std::string& part : parts) text += part;
    const Seen whole = run(text, 3, text.size() + 1);
    const Seen cut = run(text, 3, *rc::gen::inRange<size_t>(1, 5));
    RC_ASSERT(cut.text == whole.text);
    RC_ASSERT(cut.streamed == cut.text);
    RC_ASSERT(cut.refused == whole.refused);
  }));
}

}  // namespace
}  // namespace docmind::providers
