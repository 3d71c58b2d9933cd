// Hostile input: damaged files of every format end in an error or a valid document, never in a crash.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "ingest/reader.h"
#include "ingest/utf8.h"
#include "support/docx_writer.h"
#include "support/pdf_writer.h"

namespace docmind::ingest {
namespace {

// What document.h promises about every document.
void expect_valid(const Document& document) {
  EXPECT_TRUE(is_valid_utf8(document.text));
  EXPECT_TRUE(is_valid_utf8(document.title));
  EXPECT_EQ(document.text.find('\0'), std::string::npos);
  EXPECT_EQ(document.text.find('\r'), std::string::npos);
  EXPECT_EQ(document.marks.empty(), document.text.empty());
  for (size_t i = 0; i < document.marks.size(); ++i) {
    const SourceMark& mark = document.marks[i];
    EXPECT_LT(mark.offset, document.text.size());
    EXPECT_GE(mark.line, 1U);
    if (i == 0) {
      EXPECT_EQ(mark.offset, 0U);
    } else {
      EXPECT_GT(mark.offset, document.marks[i - 1].offset);
    }
    EXPECT_NE(static_cast<unsigned char>(document.text[mark.offset]) & 0xC0, 0x80);
  }
  for (size_t i = 0; i < document.headings.size(); ++i) {
    EXPECT_LT(document.headings[i].offset, document.text.size());
    EXPECT_FALSE(document.headings[i].title.empty());
    EXPECT_TRUE(is_valid_utf8(document.headings[i].title));
    if (i > 0) {
      EXPECT_GE(document.headings[i].offset, document.headings[i - 1].offset);
    }
  }
}

struct Sample {
  std::string path;
  std::string bytes;
};

std::vector<Sample> samples() {
  std::string body;
  for (int i = 0; i < 40; ++i) {
    body += test::docx_paragraph("Heading " + std::to_string(i), "Heading1") +
            test::docx_paragraph("Paragraph with some words, number " + std::to_string(i * 31));
  }
  std::string html = "<!DOCTYPE html><html><head><title>T</title><meta charset=utf-8></head><body>";
  std::string markdown = "---\ntitle: x\n---\n";
  for (int i = 0; i < 30; ++i) {
    html += "<div class='nav'><ul><li><a href=x>L</a></ul></div><h2>H&eacute;</h2><p>Text <b>b</b>"
            "<table><tr><td>1<td>2</table><pre> code\n more</pre><!-- c --><script>x</script>\n";
    markdown += "# H *x*\n\n[a](b) `c` **d** <!-- e\n-->\n\n```\ncode\n```\n- item\n\nS\n===\n";
  }
  std::string text;
  for (int i = 0; i < 60; ++i) text += "A line of t\xC3\xA9xt, \xE6\x97\xA5\xE6\x9C\xAC.\r\n\r\n";
  return {
      {"a.pdf", test::make_pdf({"One\n\nText of page one, with words.", "Two\n\nPage two."},
                               {.title = "PDF", .outline = {"One", "Two"}})},
      {"a.docx", test::make_docx(body, {.title = "D", .styles = "<w:style w:styleId=\"a\"/>"})},
      {"a.html", html},
      {"a.md", markdown},
      {"a.txt", text},
  };
}

TEST(Malformed, SamplesAreReadable) {
  for (const Sample& sample : samples()) {
    const auto document = read_document(sample.path, sample.bytes, ReadLimits{});
    ASSERT_TRUE(document.ok()) << sample.path << document.error().message;
    EXPECT_FALSE(document->text.empty());
    expect_valid(*document);
  }
}

TEST(Malformed, EveryTruncationIsHandled) {
  for (const Sample& sample : samples()) {
    const size_t step = sample.bytes.size() / 97 + 1;
    for (size_t size = 0; size < sample.bytes.size(); size += step) {
      const auto document =
          read_document(sample.path, std::string_view(sample.bytes).substr(0, size), ReadLimits{});
      if (document.ok()) expect_valid(*document);
    }
  }
}

TEST(Malformed, RandomChangesAreHandled) {
  std::mt19937 random(20240607);
  for (const Sample& sample : samples()) {
    for (int round = 0; round < 150; ++round) {
      std::string bytes = sample.bytes;
      const int n_changes = 1 + static_cast<int>(random() % 12);
      for (int i = 0; i < n_changes; ++i) {
        const size_t at = random() % bytes.size();
        switch (random() % 4) {
          case 0: bytes[at] = static_cast<char>(random()); break;
          case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8))); break;
          case 2: bytes.erase(at, random() % 20); break;
          default: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 40)); break;
        }
        if (bytes.empty()) bytes = "x";
      }
      ReadLimits limits;
      limits.timeout_ms = 5'000;
      const auto document = read_document(sample.path, bytes, limits);
      if (document.ok()) expect_valid(*document);
    }
  }
}

TEST(Malformed, RandomBytesUnderEveryNameAreHandled) {
  std::mt19937 random(99);
  const std::vector<std::string> starts = {"", "%PDF-1.4\n", "PK\x03\x04", "<html>", "\xFF\xFE",
                                           "\xEF\xBB\xBF", "---\n", "\xD0\xCF\x11\xE0"};
  for (const char* path : {"a.pdf", "a.docx", "a.html", "a.md", "a.txt", "a"}) {
    for (const std::string& start : starts) {
      std::string bytes = start;
      for (int i = 0; i < 600; ++i) bytes.push_back(static_cast<char>(random()));
      const auto document = read_document(path, bytes, ReadLimits{});
      if (document.ok()) expect_valid(*document);
    }
  }
}

// The readers themselves, without format detection in front of them.
TEST(Malformed, ReadersTakeAnyBytes) {
  std::mt19937 random(5);
  const auto readers = {read_text, read_markdown, read_html, read_pdf, read_docx};
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    const size_t size = random() % 400;
    const bool ascii = round % 2 == 0;
    for (size_t i = 0; i < size; ++i) {
      bytes.push_back(static_cast<char>(ascii ? 0x20 + random() % 0x5F : random()));
    }
    for (const auto reader : readers) {
      const auto document = reader(bytes, ReadLimits{});
      if (document.ok()) expect_valid(*document);
    }
  }
}

}  // namespace
}  // namespace docmind::ingest
