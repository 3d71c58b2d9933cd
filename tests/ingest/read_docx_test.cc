// DOCX reader: paragraphs, styles, tables, revisions, refusals.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "ingest/reader.h"
#include "support/docx_writer.h"

namespace docmind::ingest {
namespace {

using test::docx_paragraph;
using test::DocxOptions;
using test::make_docx;
using test::make_zip;

Document read_ok(const std::string& bytes) {
  auto document = read_docx(bytes, ReadLimits{});
  EXPECT_TRUE(document.ok()) << document.error().message;
  return document.ok() ? std::move(document).value() : Document{};
}

TEST(ReadDocx, GivesParagraphsHeadingsTitleAndMarks) {
  const Document document = read_ok(
      make_docx(docx_paragraph("Chapter One", "Heading1") + docx_paragraph("") +
                    docx_paragraph("It began & ended <here>.") + docx_paragraph("Part", "Heading2") +
                    docx_paragraph("More."),
                DocxOptions{.title = "The Book"}));
  EXPECT_EQ(document.title, "The Book");
  EXPECT_EQ(document.text, "Chapter One\n\nIt began & ended <here>.\n\nPart\n\nMore.\n");
  ASSERT_EQ(document.headings.size(), 2U);
  EXPECT_EQ(document.headings[0].level, 1);
  EXPECT_EQ(document.headings[1].title, "Part");
  EXPECT_EQ(document.headings[1].level, 2);
  ASSERT_EQ(document.marks.size(), 4U);
  EXPECT_EQ(document.marks[0].line, 1U);
  EXPECT_EQ(document.marks[1].line, 3U);  // the empty paragraph counts
  EXPECT_EQ(document.marks[3].line, 5U);
}

TEST(ReadDocx, FindsHeadingsThroughTheStyleSheet) {
  const Document document = read_ok(make_docx(
      docx_paragraph("Mein Buch", "Titel") + docx_paragraph("Kapitel", "berschrift1") +
          docx_paragraph("Abschnitt", "Eigen") + docx_paragraph("Text", "Standard") +
          "<w:p><w:pPr><w:outlineLvl w:val=\"2\"/></w:pPr><w:r><w:t>Direkt</w:t></w:r></w:p>",
      DocxOptions{
          .styles = R"(<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
            <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
            <w:style w:type="paragraph" w:styleId="Eigen"><w:name w:val="Mine"/><w:basedOn w:val="Base"/></w:style>
            <w:style w:type="paragraph" w:styleId="Base"><w:name w:val="Base"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
            <w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>)"}));
  EXPECT_EQ(document.title, "Mein Buch");
  ASSERT_EQ(document.headings.size(), 3U);
  EXPECT_EQ(document.headings[0].title, "Kapitel");
  EXPECT_EQ(document.headings[0].level, 1);
  EXPECT_EQ(document.headings[1].title, "Abschnitt");
  EXPECT_EQ(document.headings[1].level, 2);
  EXPECT_EQ(document.headings[2].level, 3);
}

TEST(ReadDocx, SurvivesStylesThatLoop) {
  const Document document = read_ok(make_docx(
      docx_paragraph("Text", "A"),
      DocxOptions{.styles = R"(<w:style w:type="paragraph" w:styleId="A"><w:basedOn w:val="B"/></w:style>
                               <w:style w:type="paragraph" w:styleId="B"><w:basedOn w:val="A"/></w:style>)"}));
  EXPECT_EQ(document.text, "Text\n");
  EXPECT_TRUE(document.headings.empty());
}

TEST(ReadDocx, WritesTablesAsTabbedRows) {
  const auto cell = [](std::string_view content) {
    return "<w:tc>" + std::string(content) + "</w:tc>";
  };
  const Document document = read_ok(make_docx(
      docx_paragraph("Before") + "<w:tbl><w:tr>" + cell(docx_paragraph("Name")) +
      cell(docx_paragraph("Price")) + "</w:tr><w:tr>" +
      cell(docx_paragraph("Apple") + docx_paragraph("(red)")) + cell(docx_paragraph("")) +
      cell(docx_paragraph("12")) + "</w:tr></w:tbl>" + docx_paragraph("After")));
  EXPECT_EQ(document.text, "Before\n\nName\tPrice\nApple (red)\t\t12\n\nAfter\n");
}

TEST(ReadDocx, KeepsTabsAndBreaksAndLeavesOutDeletions) {
  const Document document = read_ok(make_docx(
      "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>"
      "<w:del><w:r><w:delText>gone</w:delText><w:t>gone too</w:t></w:r></w:del>"
      "<w:ins><w:r><w:t> new</w:t></w:r></w:ins>"
      "<w:r><w:instrText>PAGE</w:instrText><w:noBreakHyphen/></w:r></w:p>"
      "<w:p><w:r><mc:AlternateContent><mc:Choice><w:t>once</w:t></mc:Choice>"
      "<mc:Fallback><w:t>twice</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>"));
  EXPECT_EQ(document.text, "a\tb\nc new-\n\nonce\n");
}

TEST(ReadDocx, WritesListItemsOnLinesOfTheirOwn) {
  const auto item = [](std::string_view text, char level) {
    return "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"" + std::string(1, level) +
           "\"/><w:numId w:val=\"3\"/></w:numPr></w:pPr><w:r><w:t>" + std::string(text) +
           "</w:t></w:r></w:p>";
  };
  const Document document =
      read_ok(make_docx(docx_paragraph("List:") + item("one", '0') + item("inner", '1') + item("two", '0')));
  EXPECT_EQ(document.text, "List:\n\n- one\n  - inner\n- two\n");
}

TEST(ReadDocx, OtherArchivesAreUnsupported) {
  struct Case {
    test::ZipEntries entries;
    const char* kind;
  };
  for (const Case& c : {Case{{{"xl/workbook.xml", "<a/>"}}, "Excel"},
                        Case{{{"mimetype", "application/vnd.oasis.opendocument.text"}}, "OpenDocument"},
                        Case{{{"readme.txt", "hello"}}, "no word/document.xml"}}) {
    const auto document = read_docx(make_zip(c.entries), ReadLimits{});
    ASSERT_FALSE(document.ok());
    EXPECT_EQ(document.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(document.error().message.find(c.kind), std::string::npos) << document.error().message;
  }
  const auto encrypted = read_docx("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and more", ReadLimits{});
  ASSERT_FALSE(encrypted.ok());
  EXPECT_EQ(encrypted.error().code, ErrorCode::kUnsupported);
}

TEST(ReadDocx, BombsEndInALimit) {
  const std::string bomb = make_docx(docx_paragraph(std::string(8 << 20, 'a')));
  ASSERT_LT(bomb.size(), 100'000U);
  ReadLimits small_archive;
  small_archive.max_archive_bytes = 4 << 20;
  const auto unpacked = read_docx(bomb, small_archive);
  ASSERT_FALSE(unpacked.ok());
  EXPECT_EQ(unpacked.error().code, ErrorCode::kLimit);

  ReadLimits small_text;
  small_text.max_text_bytes = 1 << 20;
  const auto text = read_docx(bomb, small_text);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::kLimit);

  // 64 MiB in 64 KiB: the growth alone gives it away.
  const auto growth = read_docx(make_docx(docx_paragraph(std::string(64 << 20, 'a'))), ReadLimits{});
  ASSERT_FALSE(growth.ok());
  EXPECT_EQ(growth.error().code, ErrorCode::kLimit);
}

TEST(ReadDocx, DeepNestingEndsInALimit) {
  std::string body;
  for (int i = 0; i < 50'000; ++i) body += "<w:x>";
  const auto document = read_docx(make_docx(body), ReadLimits{});
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kLimit) << document.error().message;
}

TEST(ReadDocx, EntityBombsAreRefused) {
  std::string xml = "<?xml version=\"1.0\"?><!DOCTYPE w:document [<!ENTITY a0 \"lol\">";
  for (int i = 1; i < 10; ++i) {
    xml += "<!ENTITY a" + std::to_string(i) + " \"";
    for (int k = 0; k < 10; ++k) xml += "&a" + std::to_string(i - 1) + ";";
    xml += "\">";
  }
  xml += "]><w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p></w:body></w:document>";
  const auto document = read_docx(make_zip({{"word/document.xml", xml}}), ReadLimits{});
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kMalformed);
}

TEST(ReadDocx, TruncatedFilesAreMalformed) {
  std::string body;
  for (int i = 0; i < 2'000; ++i) body += docx_paragraph("Line " + std::to_string(i * 7919));
  const std::string docx = make_docx(body);
  for (const size_t size : {size_t{0}, size_t{3}, docx.size() / 3, docx.size() / 2}) {
    const auto document = read_docx(std::string_view(docx).substr(0, size), ReadLimits{});
    ASSERT_FALSE(document.ok()) << size;
    EXPECT_EQ(document.error().code, ErrorCode::kMalformed) << size << document.error().message;
  }
}

TEST(ReadDocx, BrokenXmlIsMalformed) {
  for (const char* xml : {"<w:document><w:body><w:p>", "not xml", "", "<a/>"}) {
    const auto document = read_docx(make_zip({{"word/document.xml", xml}}), ReadLimits{});
    ASSERT_FALSE(document.ok()) << xml;
    EXPECT_EQ(document.error().code, ErrorCode::kMalformed) << xml;
  }
}

}  // namespace
}  // namespace docmind::ingest
