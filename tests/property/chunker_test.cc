// What holds for the chunks of any document, with any sizes.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/chunker.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

// Text of pieces that make every kind of boundary, with marks and headings at some of them.
Document any_document(bool with_headings) {
  static const std::vector<std::string> kPieces = {
      "word ", "End. ", "line\n",  "\n\n",           " ",        "\xC3\xA9t\xC3\xA9 ",
      "x",     "'s.\" ", "\xE4\xB8\xAD\xE3\x80\x82", "\xF0\x9F\x98\x80", "longerword",
      "A rather long sentence that goes on for a while, and ends.\n"};
  const auto picks = *rc::gen::resize(
      400, rc::gen::container<std::vector<uint16_t>>(rc::gen::arbitrary<uint16_t>()));
  Document document;
  uint32_t line = 1;
  for (const uint16_t pick : picks) {
    const auto offset = static_cast<uint32_t>(document.text.size());
    if (pick % 7 == 0) {
      document.marks.push_back(SourceMark{.offset = offset, .line = line, .page = line / 5});
      line += pick % 3;
    }
    if (with_headings && pick % 11 == 0) {
      const auto level = static_cast<uint8_t>(pick % 4 + 1);
      document.headings.push_back(Heading{.offset = offset, .level = level, .title = "Title"});
      document.text += "Title\n\n";
    } else {
      document.text += kPieces[pick / 16 % kPieces.size()];
    }
  }
  if (!document.marks.empty()) document.marks[0].offset = 0;
  return document;
}

ChunkOptions any_options() {
  ChunkOptions options;
  options.min_bytes = *rc::gen::inRange(0U, 120U);
  options.target_bytes = *rc::gen::inRange(1U, 300U);
  options.max_bytes = *rc::gen::inRange(16U, 400U);
  return options;
}

// Reads the marks one by one, where the chunker searches.
SourceMark mark_of(const Document& document, uint32_t offset) {
  SourceMark found;
  for (const SourceMark& mark : document.marks) {
    if (mark.offset <= offset) found = mark;
  }
  return found;
}

void check_chunks(const Document& document, const ChunkOptions& options) {
  const std::vector<Chunk> chunks = chunk_document(document, options);
  uint32_t at = 0;
  for (const Chunk& chunk : chunks) {
    RC_ASSERT(chunk.begin == at);
    RC_ASSERT(chunk.end > chunk.begin);
    RC_ASSERT(chunk.end - chunk.begin <= options.max_bytes);
    const std::string text = document.text.substr(chunk.begin, chunk.end - chunk.begin);
    RC_ASSERT(is_valid_utf8(text));
    const size_t last = text.find_last_not_of(" \n");
    const uint32_t last_offset =
        chunk.begin + (last == std::string::npos ? 0 : static_cast<uint32_t>(last));
    RC_ASSERT(chunk.start_line == mark_of(document, chunk.begin).line);
    RC_ASSERT(chunk.page == mark_of(document, chunk.begin).page);
    RC_ASSERT(chunk.end_line == mark_of(document, last_offset).line);
    RC_ASSERT(chunk.end_page == mark_of(document, last_offset).page);
    at = chunk.end;
  }
  RC_ASSERT(at == document.text.size());
}

TEST(ChunkerProperty, ChunksPartitionTheTextWithExactSpans) {
  EXPECT_TRUE(rc::check("partition, sizes, whole sequences, lines, pages", [] {
    check_chunks(any_document(*rc::gen::arbitrary<bool>()), any_options());
  }));
}

TEST(ChunkerProperty, AHeadingEndsAChunkOnlyAmongHeadings) {
  EXPECT_TRUE(rc::check("the last line of a chunk with text is no heading", [] {
    const Document document = any_document(true);
    const ChunkOptions options{.min_bytes = 30, .target_bytes = 100, .max_bytes = 200};
    for (const Chunk& chunk : chunk_document(document, options)) {
      // From the back: the text after the last heading's own line must not be empty.
      const Heading* last = nullptr;
      bool only_headings = true;
      uint32_t at = chunk.begin;
      for (const Heading& heading : document.headings) {
        if (heading.offset < chunk.begin || heading.offset >= chunk.end) continue;
        const std::string between = document.text.substr(at, heading.offset - at);
        only_headings = only_headings && trim(between).empty();
        at = std::min(heading.offset + 7, chunk.end);  // "Title\n\n"
        last = &heading;
      }
      if (last == nullptr || chunk.end == document.text.size()) continue;
      const bool text_after = !trim(document.text.substr(at, chunk.end - at)).empty();
      RC_ASSERT(text_after || only_headings);
    }
  }));
}

TEST(ChunkerProperty, AHeadingAtTheStartIsInThePath) {
  EXPECT_TRUE(rc::check("the path names the heading that the chunk begins with", [] {
    Document document = any_document(true);
    for (size_t i = 0; i < document.headings.size(); ++i) {
      document.headings[i].title = "<" + std::to_string(i) + ">";
    }
    for (const Chunk& chunk : chunk_document(document, any_options())) {
      for (const Heading& heading : document.headings) {
        if (heading.offset != chunk.begin) continue;
        RC_ASSERT(chunk.heading.find(heading.title) != std::string::npos);
      }
    }
  }));
}

TEST(ChunkerProperty, ShortDocumentsWithoutHeadingsStayWhole) {
  EXPECT_TRUE(rc::check("one chunk up to the maximum", [] {
    const Document document = any_document(false);
    RC_PRE(!document.text.empty());
    ChunkOptions options;
    options.max_bytes = std::max<uint32_t>(16, static_cast<uint32_t>(document.text.size()));
    RC_ASSERT(chunk_document(document, options).size() == 1U);
  }));
}

}  // namespace
}  // namespace docmind::ingest
