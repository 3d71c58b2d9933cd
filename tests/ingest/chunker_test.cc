// Chunks: headings, boundaries, sizes, lines and pages.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/chunker.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace docmind::ingest {
namespace {

using Texts = std::vector<std::string>;

// A document of headings ("# Title" lines become headings without the marks) with one source mark
// per line.
Document document_of(std::string_view markdown) {
  Document document;
  uint32_t line = 1;
  while (!markdown.empty()) {
    const size_t newline = markdown.find('\n');
    std::string_view content = markdown.substr(0, newline);
    const auto offset = static_cast<uint32_t>(document.text.size());
    const size_t level = std::min(content.find_first_not_of('#'), content.size());
    if (level > 0) {
      content.remove_prefix(level + 1);
      document.headings.push_back(Heading{
          .offset = offset, .level = static_cast<uint8_t>(level), .title = std::string(content)});
    }
    document.marks.push_back(SourceMark{.offset = offset, .line = line++, .page = 0});
    document.text.append(content);
    if (newline == std::string_view::npos) break;
    document.text.push_back('\n');
    markdown.remove_prefix(newline + 1);
  }
  return document;
}

std::string words(size_t bytes) {
  std::string text;
  while (text.size() + 5 < bytes) text += "word ";
  return text.append(bytes - text.size(), 'x');
}

Texts texts(const Document& document, const std::vector<Chunk>& chunks) {
  Texts found;
  for (const Chunk& chunk : chunks) {
    found.push_back(document.text.substr(chunk.begin, chunk.end - chunk.begin));
  }
  return found;
}
Texts cut(const Document& document, const ChunkOptions& options = {}) {
  return texts(document, chunk_document(document, options));
}
Texts paths(const std::vector<Chunk>& chunks) {
  Texts found;
  for (const Chunk& chunk : chunks) found.push_back(chunk.heading);
  return found;
}

constexpr ChunkOptions kSmall{.min_bytes = 20, .target_bytes = 60, .max_bytes = 90};

TEST(Chunker, EmptyAndShortTexts) {
  EXPECT_TRUE(chunk_document(Document{}, {}).empty());
  EXPECT_EQ(cut(document_of("one line\n")), Texts{"one line\n"});
  const std::string largest = words(2'600);
  EXPECT_EQ(cut(document_of(largest)), Texts{largest});
  EXPECT_EQ(cut(document_of(largest + "x")).size(), 2U);
}

TEST(Chunker, ClosesAtAHeadingOnceItHoldsEnough) {
  const Document document =
      document_of("# A\n\n" + words(500) + "\n\n# B\n\n" + words(500) + "\n\n# C\n\nshort\n");
  const std::vector<Chunk> chunks = chunk_document(document, {});
  EXPECT_EQ(paths(chunks), (Texts{"A", "B", "C"}));
  EXPECT_EQ(texts(document, chunks)[1], "B\n\n" + words(500) + "\n\n");
  EXPECT_EQ(texts(document, chunks)[2], "C\n\nshort\n");
}

TEST(Chunker, SmallSectionsUnderOneParentAreJoined) {
  std::string markdown = "# Book\n\n";
  for (int i = 0; i < 10; ++i) {
    markdown += "## Section " + std::to_string(i) + "\n\n" + words(100) + "\n\n";
  }
  const Document document = document_of(markdown);
  const std::vector<Chunk> chunks = chunk_document(document, {});
  // The last section alone is small; it is of the same level as the one before, so it stays alone.
  EXPECT_EQ(paths(chunks), (Texts{"Book > Section 0", "Book > Section 4", "Book > Section 8"}));
}

TEST(Chunker, ASmallSectionDoesNotRunIntoTheNextChapter) {
  const Document document = document_of("# One\n\n" + words(1'000) + "\n\n## Note\n\nsmall\n\n" +
                                        "# Two\n\n" + words(1'000) + "\n\n## Last\n\nsmall\n");
  const std::vector<Chunk> chunks = chunk_document(document, {});
  EXPECT_EQ(paths(chunks), (Texts{"One", "Two"}));
  EXPECT_TRUE(texts(document, chunks)[0].ends_with("Note\n\nsmall\n\n"));
}

TEST(Chunker, ASmallSectionStaysAloneWhereNothingFits) {
  const Document document = document_of("# One\n\n" + words(2'590) + "\n\n## Note\n\nsmall\n\n" +
                                        "# Two\n\n" + words(1'000) + "\n");
  EXPECT_EQ(paths(chunk_document(document, {})), (Texts{"One", "One > Note", "Two"}));
}

TEST(Chunker, AHeadingStaysWithItsText) {
  // The heading stands just before the target, with a long text after it.
  for (size_t before = 5; before < 95; ++before) {
    const Document document =
        document_of(words(before) + "\n\n# Title\n\n## Sub\n\n" + words(300) + "\n");
    for (const std::string& text : cut(document, kSmall)) {
      std::string trimmed = text;
      while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == ' ')) {
        trimmed.pop_back();
      }
      EXPECT_FALSE(trimmed.ends_with("Title") || trimmed.ends_with("Sub")) << before << text;
    }
  }
}

TEST(Chunker, HeadingPathIsThatOfTheStart) {
  const Document document = document_of(
      words(450) + "\n\n# A\n\n## B\n\n" + words(450) + "\n\n### C\n\n" + words(450) +
      "\n\n## D\n\n" + words(4'000) + "\n\n# E\n\n### F\n\n" + words(450) + "\n");
  EXPECT_EQ(paths(chunk_document(document, {})),
            (Texts{"", "A > B", "A > B > C", "A > D", "A > D", "E > F"}));
}

TEST(Chunker, PathsOfHugeTitlesAreBounded) {
  Document document = document_of("# A\n\n" + words(500) + "\n\n## B\n\n" + words(500) + "\n");
  document.headings[0].title = std::string(5'000, 'a');
  document.headings[1].title.clear();
  for (int i = 0; i < 2'000; ++i) document.headings[1].title += "\xC3\xA9";
  const std::vector<Chunk> chunks = chunk_document(document, {});
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].heading, std::string(1'000, 'a'));
  EXPECT_EQ(chunks[1].heading, document.headings[1].title.substr(0, 1'000));
}

TEST(Chunker, TakesTheStrongestBoundaryBeforeTheTarget) {
  const std::string tail = " " + words(200);
  const auto first = [&](const std::string& head) {
    return cut(document_of(head + tail), kSmall)[0];
  };
  EXPECT_EQ(first("Here are some words of it.\nMore\n\nAnd one. Two three"),
            "Here are some words of it.\nMore\n\n");
  EXPECT_EQ(first("Here are some words of it.\nMore of it\nAnd one. Two thr"),
            "Here are some words of it.\nMore of it\n");
  EXPECT_EQ(first("Here are some words of it. More of it. And one two thr"),
            "Here are some words of it. More of it. ");
  EXPECT_EQ(first("Here are some words of it and more of it and one two thr"),
            "Here are some words of it and more of it and one two thr ");
}

TEST(Chunker, KnowsSentenceEnds) {
  const auto first = [](const std::string& head) {
    return cut(document_of(head + " " + words(300)), kSmall)[0];
  };
  EXPECT_EQ(first("He said: \"It is all over now.\" Then he left with J. Smi"),
            "He said: \"It is all over now.\" ");
  EXPECT_EQ(first("What is the meaning of this, really? It was 3.5 e.g. lower"),
            "What is the meaning of this, really? ");
}

TEST(Chunker, CutsChineseAtFullStopsWithoutSpaces) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97\xE3\x80\x82";
  const Texts chunks = cut(document_of(text), kSmall);
  EXPECT_EQ(chunks.size(), 4U);
  for (const std::string& chunk : chunks) EXPECT_TRUE(chunk.ends_with("\xE3\x80\x82")) << chunk;
}

TEST(Chunker, TextWithoutBoundariesIsCutAtTheMaximum) {
  const Texts chunks = cut(document_of(std::string(6'000, 'x')));
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_EQ(chunks[0].size(), 2'600U);
  EXPECT_EQ(chunks[1].size(), 2'600U);
  EXPECT_EQ(chunks[2].size(), 800U);
  std::string wide;
  for (int i = 0; i < 1'000; ++i) wide += "\xF0\x9F\x98\x80";
  for (const std::string& chunk :
       cut(document_of(wide), {.min_bytes = 0, .target_bytes = 30, .max_bytes = 30})) {
    EXPECT_EQ(chunk.size() % 4, 0U);
    EXPECT_LE(chunk.size(), 30U);
  }
}

TEST(Chunker, TheLastChunkIsNotTiny) {
  for (size_t bytes = 2'601; bytes < 6'000; bytes += 7) {
    for (const std::string& chunk : cut(document_of(words(bytes)))) {
      EXPECT_GE(chunk.size(), 400U) << bytes;
      EXPECT_LE(chunk.size(), 2'600U) << bytes;
    }
  }
}

TEST(Chunker, LinesAndPagesAreThoseOfTheFirstAndLastCharacter) {
  Document document;
  for (uint32_t line = 1; line <= 100; ++line) {
    document.marks.push_back(SourceMark{.offset = static_cast<uint32_t>(document.text.size()),
                                        .line = (line - 1) % 10 + 1,
                                        .page = (line - 1) / 10 + 1});
    document.text += words(70) + "\n";
  }
  document.text += "\n\n";
  const std::vector<Chunk> chunks = chunk_document(document, {});
  ASSERT_GT(chunks.size(), 2U);
  uint32_t next = 0;  // lines read so far, all pages together
  for (const Chunk& chunk : chunks) {
    EXPECT_EQ(chunk.page, next / 10 + 1);
    EXPECT_EQ(chunk.start_line, next % 10 + 1);
    next = std::min(chunk.end / 71, 100U);
    EXPECT_EQ(chunk.end_page, (next - 1) / 10 + 1);
    ASSERT_EQ(chunk.page_starts.size(), chunk.end_page - chunk.page);
    for (size_t i = 0; i < chunk.page_starts.size(); ++i) {
      const PageStart& start = chunk.page_starts[i];
      EXPECT_EQ(start.page, chunk.page + i + 1);
      // The first line of that page begins there.
      EXPECT_EQ(document.marks[(start.page - 1) * 10].offset, chunk.begin + start.offset);
    }
    EXPECT_EQ(chunk.end_line, (next - 1) % 10 + 1);
  }
}

TEST(Chunker, AChunkOfWhiteSpaceHasALineToo) {
  Document document = document_of(std::string(5'000, '\n'));
  const std::vector<Chunk> chunks = chunk_document(document, {});
  ASSERT_GE(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].start_line, 1U);
  EXPECT_EQ(chunks[0].end_line, 1U);
  EXPECT_EQ(chunks[1].start_line, chunks[0].end + 1);
  EXPECT_EQ(chunks.back().end, 5'000U);
}

TEST(Chunker, HeadingsThatBreakTheirPromisesDoNoHarm) {
  Document document = document_of("# A\n\n" + words(500) + "\n\n\xC3\xA9" + words(500) + "\n");
  const auto middle = static_cast<uint32_t>(document.text.find('\xA9'));
  document.headings.push_back(Heading{.offset = middle, .level = 0, .title = "inside a sequence"});
  document.headings.push_back(Heading{.offset = 1U << 31, .level = 1, .title = "past the end"});
  document.headings.push_back(Heading{.offset = 1, .level = 255, .title = "out of order"});
  for (const Chunk& chunk : chunk_document(document, {})) {
    EXPECT_NE(chunk.begin, middle);
    EXPECT_LE(chunk.end, document.text.size());
  }
}

TEST(Chunker, MoreHeadingsThanFitAreCutLikeText) {
  std::string markdown;
  for (int i = 0; i < 200; ++i) markdown += "# Heading " + std::to_string(i) + "\n";
  const Texts chunks = cut(document_of(markdown), kSmall);
  EXPECT_GT(chunks.size(), 20U);
  for (const std::string& chunk : chunks) EXPECT_LE(chunk.size(), kSmall.max_bytes);
}

TEST(Chunker, SixtyFourMegabytesOfOneLine) {
  // Quadratic work would run into the test's time limit.
  for (const char* unit : {"x", "\xE4\xB8\xAD", "x. "}) {
    Document document;
    document.marks.push_back(SourceMark{});
    while (document.text.size() < (64U << 20)) document.text += unit;
    const std::vector<Chunk> chunks = chunk_document(document, {});
    EXPECT_GT(chunks.size(), 20'000U);
    EXPECT_EQ(chunks.back().end, document.text.size());
  }
}

TEST(Chunker, AMillionHeadingsInOneLine) {
  Document document;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    document.headings.push_back(Heading{.offset = i * 2,
                                        .level = static_cast<uint8_t>(i % 9 + 1),
                                        .title = "t"});
  }
  document.text.assign(2'000'000, 'x');
  EXPECT_EQ(chunk_document(document, {}).back().end, 2'000'000U);
}

}  // namespace
}  // namespace docmind::ingest
