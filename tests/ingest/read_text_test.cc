// Text reader: exact offsets, a mark for every line, titles.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "ingest/reader.h"

namespace docmind::ingest {
namespace {

TEST(ReadText, KeepsTheTextAndMarksEveryLine) {
  const std::string text = "  first\n\n\tthird \xC3\xA9\nlast";
  const auto document = read_text(text, ReadLimits{});
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->text, text);
  EXPECT_EQ(document->encoding, "UTF-8");
  ASSERT_EQ(document->marks.size(), 4U);
  size_t at = 0;
  for (uint32_t line = 1; line <= 4; ++line) {
    EXPECT_EQ(document->marks[line - 1].offset, at);
    EXPECT_EQ(document->marks[line - 1].line, line);
    at = text.find('\n', at) + 1;
  }
}

TEST(ReadText, FindsTitles) {
  const auto title = [](std::string_view text) {
    const auto document = read_text(text, ReadLimits{});
    return document.ok() ? document->title : document.error().message;
  };
  EXPECT_EQ(title("My Title\n\nThe text.\n"), "My Title");
  EXPECT_EQ(title("\n\n  Underlined\n  ==========\nText\n"), "Underlined");
  EXPECT_EQ(title("======\nBoxed\n======\nText\n"), "Boxed");
  EXPECT_EQ(title("A line of a paragraph\nthat goes on.\n"), "");
  EXPECT_EQ(title("only line\n"), "");
  EXPECT_EQ(title(std::string(130, 'x') + "\n\ntext\n"), "");
  EXPECT_EQ(title(""), "");
}

TEST(ReadText, TextBeyondTheLimitIsAnError) {
  ReadLimits limits;
  limits.max_text_bytes = 4;
  const auto document = read_text("12345", limits);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kLimit);
  EXPECT_NE(document.error().message.find("5"), std::string::npos);
  EXPECT_NE(document.error().message.find("4"), std::string::npos);
}

TEST(ReadText, ReportsReplacedSequences) {
  const auto document = read_text(
      "\xEF\xBB\xBF" "a long enough text with one broken \xFF byte in it\n", ReadLimits{});
  ASSERT_TRUE(document.ok());
  ASSERT_EQ(document->warnings.size(), 1U);
  EXPECT_NE(document->warnings[0].find("1 invalid UTF-8 sequence"), std::string::npos)
      << document->warnings[0];
}

}  // namespace
}  // namespace docmind::ingest
