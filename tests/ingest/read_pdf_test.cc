// PDF reader: pages, columns, paragraphs, running lines, outline, refusals.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "ingest/pdf_layout.h"
#include "ingest/reader.h"
#include "support/pdf_writer.h"

namespace docmind::ingest {
namespace {

using test::make_pdf;
using test::make_placed_pdf;
using test::PdfOptions;
using test::PdfPageTexts;

// The page and the line of the character where `needle` starts.
SourceMark mark_of(const Document& document, std::string_view needle) {
  const size_t at = document.text.find(needle);
  EXPECT_NE(at, std::string::npos) << needle << " in\n" << document.text;
  SourceMark found;
  for (const SourceMark& mark : document.marks) {
    if (mark.offset <= at) found = mark;
  }
  return found;
}

std::string body_page(int n) {
  std::string text;
  for (int i = 0; i < 5; ++i) {
    text += "Sentence " + std::to_string(i) + " of page number " + std::to_string(n * 37) +
            " tells its own story here.\n";
  }
  return text;
}

TEST(ReadPdf, GivesTextTitleAndPageMarks) {
  const std::string pdf = make_pdf({"First page says hello.", "Second page says goodbye."},
                                   PdfOptions{.title = "Greetings of the World"});
  const auto document = read_pdf(pdf, ReadLimits{});
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(document->format, Format::kPdf);
  EXPECT_EQ(document->title, "Greetings of the World");
  EXPECT_EQ(document->text, "First page says hello.\n\nSecond page says goodbye.\n");
  ASSERT_EQ(document->marks.size(), 2U);
  EXPECT_EQ(document->marks[0].offset, 0U);
  EXPECT_EQ(document->marks[0].page, 1U);
  EXPECT_EQ(document->marks[1].page, 2U);
  EXPECT_EQ(document->text.substr(document->marks[1].offset, 6), "Second");
}

TEST(ReadPdf, ReadsColumnsOneAfterTheOther) {
  PdfPageTexts page;
  for (int i = 0; i < 12; ++i) {
    page.push_back({72, 700.0 - i * 12, "left column line " + std::to_string(i) + " filled with words"});
    page.push_back({330, 700.0 - i * 12, "right column line " + std::to_string(i) + " filled too"});
  }
  const auto document = read_pdf(make_placed_pdf({page}), ReadLimits{});
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_LT(document->text.find("left column line 11"), document->text.find("right column line 0"))
      << document->text;
}

TEST(ReadPdf, JoinsTheLinesOfAParagraphAndKeepsTheirMarks) {
  const auto document = read_pdf(make_pdf({std::string(
                                     "The quick brown fox jumps over the lazy dog near the river\n"
                                     "and continues running through the green and quiet forest\n"
                                     "until it finds a place to sleep.\n")}),
                                 ReadLimits{});
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_NE(document->text.find("the river and continues"), std::string::npos) << document->text;
  EXPECT_EQ(mark_of(*document, "The quick").line, 1U);
  EXPECT_EQ(mark_of(*document, "and continues").line, 2U);
  EXPECT_EQ(mark_of(*document, "until it").line, 3U);
}

TEST(ReadPdf, DropsRunningHeadersAndPageNumbers) {
  std::vector<PdfPageTexts> pages;
  for (int n = 1; n <= 6; ++n) {
    PdfPageTexts page = test::pdf_page(body_page(n));
    for (auto& text : page) text.y -= 60;
    page.insert(page.begin(), {72, 760, "The Annual Report of the Company"});
    page.push_back({290, 30, "Page " + std::to_string(n) + " of 6"});
    pages.push_back(std::move(page));
  }
  const auto document = read_pdf(make_placed_pdf(pages), ReadLimits{});
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(document->text.find("Annual Report"), std::string::npos) << document->text;
  EXPECT_EQ(document->text.find("of 6"), std::string::npos) << document->text;
  EXPECT_NE(document->text.find("Sentence 0 of page number 37 tells"), std::string::npos);
  EXPECT_NE(document->text.find("Sentence 4 of page number 222 tells"), std::string::npos);
}

TEST(ReadPdf, TakesHeadingsFromTheOutline) {
  const std::string pdf = make_pdf(
      {"Introduction\n\nThis is the beginning of the text.", "Results\n\nThese are the results of it."},
      PdfOptions{.outline = {"Introduction", "Missing", "Results"}});
  const auto document = read_pdf(pdf, ReadLimits{});
  ASSERT_TRUE(document.ok()) << document.error().message;
  ASSERT_EQ(document->headings.size(), 2U) << document->text;
  EXPECT_EQ(document->headings[0].title, "Introduction");
  EXPECT_EQ(document->headings[1].title, "Results");
  EXPECT_EQ(document->text.substr(document->headings[1].offset, 7), "Results");
}

TEST(ReadPdf, IgnoresTitlesThatAreFileNames) {
  for (const char* title : {"report_v3.docx", "Microsoft Word - letter.doc", "untitled"}) {
    const auto document = read_pdf(make_pdf({"Some text."}, PdfOptions{.title = title}), ReadLimits{});
    ASSERT_TRUE(document.ok());
    EXPECT_EQ(document->title, "") << title;
  }
}

TEST(ReadPdf, RefusesEncryptedScannedAndLongFiles) {
  const auto encrypted =
      read_pdf(make_pdf({"Secret."}, PdfOptions{.encrypted = true}), ReadLimits{});
  ASSERT_FALSE(encrypted.ok());
  EXPECT_EQ(encrypted.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(encrypted.error().message.find("encrypted"), std::string::npos);

  const auto scanned = read_pdf(make_pdf({"", ""}), ReadLimits{});
  ASSERT_FALSE(scanned.ok());
  EXPECT_EQ(scanned.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(scanned.error().message.find("no text layer"), std::string::npos);

  ReadLimits two_pages;
  two_pages.max_pages = 2;
  const auto long_one = read_pdf(make_pdf({"a", "b", "c"}), two_pages);
  ASSERT_FALSE(long_one.ok());
  EXPECT_EQ(long_one.error().code, ErrorCode::kLimit);

  ReadLimits little_text;
  little_text.max_text_bytes = 20;
  const auto large = read_pdf(make_pdf({body_page(1)}), little_text);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kLimit);
}

TEST(ReadPdf, TruncatedFilesAreMalformed) {
  const std::string pdf = make_pdf({body_page(1), body_page(2), body_page(3)});
  for (const size_t size : {size_t{0}, size_t{8}, pdf.size() / 4, pdf.size() / 2, pdf.size() - 10}) {
    const auto document = read_pdf(std::string_view(pdf).substr(0, size), ReadLimits{});
    ASSERT_FALSE(document.ok()) << size;
    EXPECT_EQ(document.error().code, ErrorCode::kMalformed) << size;
  }
}

TEST(PdfLayout, UndoesHyphensAtLineEnds) {
  const PdfPage page = split_page(
      "This paragraph has a word that is cut at the end of the line, namely continu-\n"
      "ation, and another line that is long enough to count as a full line.\n",
      1);
  TextBuilder builder(Format::kPdf, ReadLimits{});
  write_pages({page}, builder);
  const auto document = std::move(builder).finish();
  ASSERT_TRUE(document.ok());
  EXPECT_NE(document->text.find("namely continuation, and"), std::string::npos) << document->text;
}

TEST(PdfLayout, ContinuesASentenceAcrossAPageBreak) {
  TextBuilder builder(Format::kPdf, ReadLimits{});
  write_pages({split_page("The sentence on this page is long and goes on over", 1),
               split_page("the break to the next page.", 2)},
              builder);
  const auto document = std::move(builder).finish();
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->text,
            "The sentence on this page is long and goes on over the break to the next page.\n");
  ASSERT_EQ(document->marks.size(), 2U);
  EXPECT_EQ(document->marks[1].page, 2U);
}

TEST(PdfLayout, JoinsSectionNumbersWithTheirTitles) {
  const PdfPage page = split_page("Before.\n\n3.1\n\nIncremental computation\n\nText.\n", 1);
  std::string all;
  for (const PdfLine& line : page.lines) all += line.text + "|";
  EXPECT_NE(all.find("|3.1 Incremental computation|"), std::string::npos) << all;
}

TEST(PdfLayout, ExpandsLigaturesAndDropsControls) {
  const PdfPage page = split_page("e\xEF\xAC\x83" "cient \x01of\xC2\xA0" "fice", 1);
  ASSERT_EQ(page.lines.size(), 1U);
  EXPECT_EQ(page.lines[0].text, "efficient of fice");
}

TEST(PdfLayout, KeepsListsAndCodeLinesApart) {
  const PdfPage page = split_page(
      "Here is the first line of a list with many words in it\n"
      "- the first item of the list with just as many words\n"
      "- the second item of the list with just as many words\n"
      "int value = compute_something(first_argument, second);\n"
      "int other = compute_something(first_argument, second);\n",
      1);
  TextBuilder builder(Format::kPdf, ReadLimits{});
  write_pages({page}, builder);
  const auto document = std::move(builder).finish();
  ASSERT_TRUE(document.ok());
  EXPECT_NE(document->text.find("\n- the second item"), std::string::npos) << document->text;
  EXPECT_NE(document->text.find(";\nint other"), std::string::npos) << document->text;
}

}  // namespace
}  // namespace docmind::ingest
