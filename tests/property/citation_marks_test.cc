// Properties of citation marks and of encoded answers: any split, any bytes, any fields.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/citation_marks.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "base/text.h"
#include "pipeline/answer.h"
#include "providers/quote.h"

namespace docmind::pipeline {
namespace {

std::string joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

rc::Gen<std::string> marked_text() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
                          "word ", "[1]", "[2]", "[3]", "[0]", "[12]", "[123456]", "[", "]", "1", "[[",
                          "[ 2]", "[x]", "\n", "[4", "\u00e9", "[02]")),
                      joined);
}

struct Marked {
  std::string text;
  std::vector<size_t> order;
};

Marked whole(std::string_view text, size_t n_passages) {
  CitationMarks marks(n_passages);
  std::string out = marks.feed(text);
  out += marks.finish();
  return {out, marks.order()};
}

TEST(CitationMarksProperty, AnySplitGivesTheSame) {
  EXPECT_TRUE(rc::check("pieces", [] {
    const std::string text = *marked_text();
    const size_t n_passages = *rc::gen::inRange<size_t>(0, 6);
    const Marked expected = whole(text, n_passages);
    CitationMarks marks(n_passages);
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + *rc::gen::inRange<size_t>(0, 6);
      out += marks.feed(std::string_view(text).substr(at, size));
      at += size;
    }
    out += marks.finish();
    RC_ASSERT(out == expected.text);
    RC_ASSERT(marks.order() == expected.order);
  }));
}

// Against a reading of the whole text at once.
TEST(CitationMarksProperty, NumbersByFirstUseAndDropsWhatPointsNowhere) {
  EXPECT_TRUE(rc::check("by hand", [] {
    const std::string text = *marked_text();
    const size_t n_passages = *rc::gen::inRange<size_t>(0, 6);
    std::string expected;
    std::vector<size_t> order;
    for (size_t at = 0; at < text.size();) {
      size_t end = at + 1;
      while (text[at] == '[' && end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
      const bool mark = text[at] == '[' && end > at + 1 && end - at <= 6 && end < text.size() &&
                        text[end] == ']';
      if (!mark) {
        expected += text[at++];
        continue;
      }
      const size_t number = std::stoul(text.substr(at + 1, end - at - 1));
      at = end + 1;
      if (number == 0 || number > n_passages) continue;
      auto place = std::find(order.begin(), order.end(), number - 1);
      if (place == order.end()) place = order.insert(order.end(), number - 1);
      expected += "[" + std::to_string(place - order.begin() + 1) + "]";
    }
    const Marked marked = whole(text, n_passages);
    RC_ASSERT(marked.text == expected);
    RC_ASSERT(marked.order == order);
  }));
}

TEST(CitationMarksProperty, QuotesKeepTheirOwnMarks) {
  EXPECT_TRUE(rc::check("feed_around", [] {
    const size_t n_passages = 3;
    std::string text;
    std::string expected;
    std::vector<std::string> quotes;
    CitationMarks reference(n_passages);
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
      const std::string quote =
          providers::quote_of("q" + std::to_string(i) + " " + *marked_text() + " end");
      // The generator lays words out anew: a space may have become a line end with an indent.
      std::string shown;
      for (const char c : quote) {
        shown += c == ' ' && *rc::gen::arbitrary<bool>() ? "\n    " : std::string(1, c);
      }
      const std::string mark = "[" + std::to_string(*rc::gen::inRange(1, 4)) + "]";
      text += shown + " " + mark + "\n";
      expected += shown + " " + reference.feed(mark) + "\n";
      quotes.push_back(quote);
    }
    CitationMarks marks(n_passages);
    std::string out = marks.feed_around(text, quotes);
    out += marks.finish();
    RC_ASSERT(out == expected);
    RC_ASSERT(marks.order() == reference.order());
  }));
}

TEST(HoldsMark, SeesOnlyNumbersInBrackets) {
  for (const char* text : {"[1]", "a [12] b", "[x] [3]", "[[4]]"}) EXPECT_TRUE(holds_mark(text)) << text;
  for (const char* text : {"", "[", "[]", "[1", "1]", "[a]", "[ 1]", "[1 ]", "(1)"}) {
    EXPECT_FALSE(holds_mark(text)) << text;
  }
}

std::string any_words() {
  return joined(*rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "word", " ", "\"", "\\", "\n", "\x1b", "\u00e9", "\U0001f600", "\u2028", "{", "[1]", "/",
      std::string(1, '\0'))));
}
std::string any_path() { return "/" + *rc::gen::container<std::string>(rc::gen::distinctFrom('\0')); }

template <typename Source>
Source any_source() {
  Source source;
  source.path = any_path();
  source.title = any_words();
  source.heading = any_words();
  source.start_line = *rc::gen::arbitrary<uint32_t>();
  source.end_line = *rc::gen::arbitrary<uint32_t>();
  source.page = *rc::gen::arbitrary<uint32_t>();
  source.end_page = *rc::gen::arbitrary<uint32_t>();
  return source;
}

Answer any_answer() {
  Answer answer;
  answer.question = any_words();
  answer.text = any_words();
  answer.answered = *rc::gen::arbitrary<bool>();
  answer.provider = any_words();
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    answer.citations.push_back(any_source<Citation>());
    answer.citations.back().number = *rc::gen::inRange(1, 1'000);
    answer.citations.back().quotes = {any_words(), any_words()};
  }
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    answer.passages.push_back(any_source<Passage>());
    answer.passages.back().text = any_words();
    answer.passages.back().score = *rc::gen::inRange(0, 1'000) / 512.0;
    answer.passages.back().relevance = *rc::gen::inRange(0, 1'000) / 512.0;
  }
  return answer;
}

template <typename Source>
bool same_source(const Source& a, const Source& b) {
  return a.path == b.path && a.title == b.title && a.heading == b.heading &&
         a.start_line == b.start_line && a.end_line == b.end_line && a.page == b.page &&
         a.end_page == b.end_page;
}

TEST(AnswerCodecProperty, RoundTrips) {
  EXPECT_TRUE(rc::check("decode(encode(answer)) == answer", [] {
    const Answer answer = any_answer();
    const Result<Answer> back = decode_answer(encode_answer(answer));
    if (!back.ok()) RC_FAIL(back.error().message);
    RC_ASSERT(back->question == answer.question);
    RC_ASSERT(back->text == answer.text);
    RC_ASSERT(back->answered == answer.answered);
    RC_ASSERT(back->provider == answer.provider);
    RC_ASSERT(back->citations.size() == answer.citations.size());
    for (size_t i = 0; i < answer.citations.size(); ++i) {
      RC_ASSERT(same_source(back->citations[i], answer.citations[i]));
      RC_ASSERT(back->citations[i].number == answer.citations[i].number);
      RC_ASSERT(back->citations[i].quotes == answer.citations[i].quotes);
    }
    RC_ASSERT(back->passages.size() == answer.passages.size());
    for (size_t i = 0; i < answer.passages.size(); ++i) {
      RC_ASSERT(same_source(back->passages[i], answer.passages[i]));
      RC_ASSERT(back->passages[i].text == answer.passages[i].text);
      RC_ASSERT(back->passages[i].score == answer.passages[i].score);
      RC_ASSERT(back->passages[i].relevance == answer.passages[i].relevance);
    }
  }));
}

TEST(AnswerCodecProperty, DamagedBytesAreAnErrorOrAnAnswer) {
  EXPECT_TRUE(rc::check("no crash", [] {
    std::string bytes = encode_answer(any_answer());
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
      bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    }
    const Result<Answer> decoded = decode_answer(bytes);
    if (!decoded.ok()) RC_ASSERT(decoded.error().code == ErrorCode::kMalformed);
    const std::string cut = bytes.substr(0, *rc::gen::inRange<size_t>(0, bytes.size()));
    RC_ASSERT(!decode_answer(cut).ok());
  }));
}

}  // namespace
}  // namespace docmind::pipeline
