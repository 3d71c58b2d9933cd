// Markdown reader: reading text, headings, code, front matter, lines.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "ingest/reader.h"

namespace docmind::ingest {
namespace {

Document read_ok(std::string_view text) {
  auto document = read_markdown(text, ReadLimits{});
  EXPECT_TRUE(document.ok()) << document.error().message;
  return document.ok() ? std::move(document).value() : Document{};
}

uint32_t line_of(const Document& document, std::string_view needle) {
  const size_t at = document.text.find(needle);
  EXPECT_NE(at, std::string::npos) << needle << " in\n" << document.text;
  uint32_t line = 0;
  for (const SourceMark& mark : document.marks) {
    if (mark.offset <= at) line = mark.line;
  }
  return line;
}

TEST(ReadMarkdown, FindsHeadingsOfBothKinds) {
  const Document document = read_ok(
      "# The *Title* #\nIntro\n## Part [one](x.html)\n\nText\n\nSetext\n======\n\nLower\n---\n\n"
      "####### no heading\n#hashtag\n");
  EXPECT_EQ(document.title, "The Title");
  ASSERT_EQ(document.headings.size(), 4U);
  EXPECT_EQ(document.headings[0].title, "The Title");
  EXPECT_EQ(document.headings[1].title, "Part one");
  EXPECT_EQ(document.headings[1].level, 2);
  EXPECT_EQ(document.headings[2].title, "Setext");
  EXPECT_EQ(document.headings[2].level, 1);
  EXPECT_EQ(document.headings[3].title, "Lower");
  EXPECT_EQ(document.headings[3].level, 2);
  for (const Heading& heading : document.headings) {
    EXPECT_EQ(document.text.substr(heading.offset, heading.title.size()), heading.title);
  }
  EXPECT_NE(document.text.find("#hashtag"), std::string::npos);
}

TEST(ReadMarkdown, LeavesCodeAsItIs) {
  const Document document = read_ok(
      "Before\n\n```sh\n# not a heading\nls **  [a](b)\n\n  indented\n```\n\n~~~~\n```\n# also code\n~~~~\n\n"
      "    indented [code](x)\n\n# Real\n");
  ASSERT_EQ(document.headings.size(), 1U);
  EXPECT_EQ(document.headings[0].title, "Real");
  EXPECT_NE(document.text.find("# not a heading\nls **  [a](b)\n\n  indented\n"), std::string::npos)
      << document.text;
  EXPECT_NE(document.text.find("# also code"), std::string::npos);
  EXPECT_NE(document.text.find("    indented [code](x)"), std::string::npos);
}

TEST(ReadMarkdown, ReducesLinksAndMarkup) {
  const auto clean = [](std::string_view line) { return read_ok(line).text; };
  EXPECT_EQ(clean("See [the docs](http://x.y/z_(a) \"T\") now.\n"), "See the docs now.\n");
  EXPECT_EQ(clean("![A logo](logo.png) and [![badge](b.svg)](http://ci)\n"), "A logo and badge\n");
  EXPECT_EQ(clean("**bold** and *it* and ***both*** but 2 * 3 * 4 and a ** b\n"),
            "bold and it and both but 2 * 3 * 4 and a ** b\n");
  EXPECT_EQ(clean("Keep `**code** [x](y)` and snake_case_name.\n"),
            "Keep `**code** [x](y)` and snake_case_name.\n");
  EXPECT_EQ(clean("<b>Tag</b> but vector<int> and <http://example.org>\n"),
            "Tag but vector<int> and http://example.org\n");
  EXPECT_EQ(clean("\\*literal\\* &amp; &lt;x&gt; &nope;\n"), "*literal* & <x> &nope;\n");
  EXPECT_EQ(clean("See [ref][Label] and [label][] but a[0][1].\n\n[label]: http://x.y\n"),
            "See ref and label but a[0][1].\n");
}

TEST(ReadMarkdown, RemovesCommentsAcrossLines) {
  const Document document =
      read_ok("One <!-- gone --> two\n<!-- many\nlines\n# not a heading\n--> three\n`<!-- kept`\n");
  EXPECT_EQ(document.text, "One  two\n three\n`<!-- kept`\n");
  EXPECT_TRUE(document.headings.empty());
}

TEST(ReadMarkdown, TakesTheTitleFromFrontMatter) {
  const Document yaml =
      read_ok("---\nlayout: post\ntitle: \"A: Title\"\ntags:\n  title: no\n---\n\n# Heading\nText\n");
  EXPECT_EQ(yaml.title, "A: Title");
  EXPECT_EQ(yaml.text, "Heading\n\nText\n");
  EXPECT_EQ(line_of(yaml, "Text"), 9U);
  const Document toml = read_ok("+++\ntitle = 'T'\n+++\nText\n");
  EXPECT_EQ(toml.title, "T");
  const Document rule = read_ok("---\nno front matter because it never ends\n");
  EXPECT_EQ(rule.title, "");
  EXPECT_EQ(rule.text, "no front matter because it never ends\n");
}

TEST(ReadMarkdown, MapsEveryLineToItsSource) {
  const Document document = read_ok("a\nb\n\n\n\nc\n| x | y |\n|---|---|\n| 1 | 2 |\n");
  EXPECT_EQ(document.text, "a\nb\n\nc\n| x | y |\n| 1 | 2 |\n");
  EXPECT_EQ(line_of(document, "b"), 2U);
  EXPECT_EQ(line_of(document, "c"), 6U);
  EXPECT_EQ(line_of(document, "| 1"), 9U);
}

TEST(ReadMarkdown, CostsLinearTime) {
  for (const char* piece : {"[", "](", "*a", "`", "<", "![", "&", "\\", "**a ", "[a](", "<!--"}) {
    std::string line;
    while (line.size() < 400'000) line += piece;
    read_ok(line + "\n");
  }
  std::string ticks;
  for (size_t i = 1; i < 900; ++i) ticks += std::string(i, '`') + " ";
  read_ok(ticks);
}

TEST(ReadMarkdown, TextBeyondTheLimitIsAnError) {
  ReadLimits limits;
  limits.max_text_bytes = 10;
  const auto document = read_markdown("this is more than ten bytes\n", limits);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace docmind::ingest
