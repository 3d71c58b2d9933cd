// Format detection: extension and content together.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "ingest/reader.h"
#include "support/docx_writer.h"
#include "support/pdf_writer.h"

namespace docmind::ingest {
namespace {

using namespace std::string_literals;

TEST(Format, ContentWinsOverTheExtension) {
  const std::string pdf = test::make_pdf({"text"});
  const std::string docx = test::make_docx(test::docx_paragraph("text"));
  EXPECT_EQ(detect_format("a.txt", pdf), Format::kPdf);
  EXPECT_EQ(detect_format("a", docx), Format::kDocx);
  EXPECT_EQ(detect_format("a.txt", "<!DOCTYPE html><html></html>"), Format::kHtml);
  EXPECT_EQ(detect_format("a.pdf", "<html><body>404</body></html>"), Format::kHtml);
  EXPECT_EQ(detect_format("a.txt", "\x7F" "ELF\x02\x01\x01\0\0\0"s), std::nullopt);
  EXPECT_EQ(detect_format("a.txt", "\x89PNG\r\n\x1A\n"), std::nullopt);
  EXPECT_EQ(detect_format("a.md", std::string(100, '\x02')), std::nullopt);
  EXPECT_EQ(detect_format("a.html", "\x1F\x8B\x08 compressed"), std::nullopt);
}

TEST(Format, ExtensionDecidesAmongTextFormats) {
  EXPECT_EQ(detect_format("dir.d/README.MD", "# Title"), Format::kMarkdown);
  EXPECT_EQ(detect_format("a.htm", "no tags"), Format::kHtml);
  EXPECT_EQ(detect_format("a.unknown", "plain"), Format::kText);
  EXPECT_EQ(detect_format("Makefile", "all:\n"), Format::kText);
  EXPECT_EQ(detect_format("a.md", "<html><body>inline</body>"), Format::kMarkdown);
  EXPECT_EQ(detect_format("a.txt", "\xFF\xFEh\0e\0l\0l\0o\0"s), Format::kText);
  EXPECT_EQ(detect_format("a.xml", "<?xml version='1.0'?><!DOCTYPE html><html/>"), Format::kHtml);
}

TEST(Format, EmptyAndForeignContainers) {
  EXPECT_EQ(detect_format("a.pdf", ""), Format::kPdf);
  EXPECT_EQ(detect_format("a", ""), Format::kText);
  const std::string zip = test::make_zip({{"a.txt", "hello"}});
  EXPECT_EQ(detect_format("a.zip", zip), std::nullopt);
  EXPECT_EQ(detect_format("a.docx", zip), Format::kDocx);
  EXPECT_EQ(detect_format("a.docx", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), Format::kDocx);
  EXPECT_EQ(detect_format("a.doc", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), std::nullopt);
}

TEST(Format, KnownExtensions) {
  for (const char* path : {"a.txt", "/x/y.MD", "b.html", "c.PDF", "d.docx", "e.tar.rst"}) {
    EXPECT_TRUE(has_known_extension(path)) << path;
  }
  for (const char* path : {"a", ".md", "x.pdf/y", "a.png", "a.", "", "/", "a.docx.gz"}) {
    EXPECT_FALSE(has_known_extension(path)) << path;
  }
}

TEST(Format, NamesAreStable) {
  EXPECT_EQ(format_name(Format::kText), "text");
  EXPECT_EQ(format_name(Format::kMarkdown), "markdown");
  EXPECT_EQ(format_name(Format::kHtml), "html");
  EXPECT_EQ(format_name(Format::kPdf), "pdf");
  EXPECT_EQ(format_name(Format::kDocx), "docx");
}

TEST(ReadDocument, PicksTheReaderAndNamesTheFile) {
  const auto markdown = read_document("a.md", "# T\n", ReadLimits{});
  ASSERT_TRUE(markdown.ok());
  EXPECT_EQ(markdown->format, Format::kMarkdown);
  const auto image = read_document("pic.txt", "\x89PNG\r\n", ReadLimits{});
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(image.error().message.find("'pic.txt'"), std::string::npos);
  const auto broken = read_document("b.pdf", "%PDF-1.4 nothing", ReadLimits{});
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("'b.pdf'"), std::string::npos);
  ReadLimits small;
  small.max_file_bytes = 3;
  const auto large = read_document("c.txt", "1234", small);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace docmind::ingest
