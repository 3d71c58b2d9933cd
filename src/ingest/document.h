// What a reader makes of a file: clean UTF-8 text with exact ways back to the source.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/page_start.h"

namespace docmind::ingest {

enum class Format { kText, kMarkdown, kHtml, kPdf, kDocx };

// Stable lower-case name ("markdown"), stored and printed.
[[nodiscard]] std::string_view format_name(Format format);

// From `offset` (bytes into Document::text) on, the text comes from source line `line` (1-based;
// a paragraph number for DOCX, a line of the page's text for PDF) of page `page` (1-based; 0 where
// the format has no pages). Marks are sorted by offset; the first has offset 0 unless text is empty.
struct SourceMark {
  uint32_t offset = 0;
  uint32_t line = 1;
  uint32_t page = 0;
};

// A heading that opens a section at `offset`; level 1 is the outermost.
struct Heading {
  uint32_t offset = 0;
  uint8_t level = 1;
  std::string title;
};

// One readable document. `text` is valid UTF-8 without NUL bytes, with '\n' line ends and a blank
// line between blocks (paragraphs, list items, table rows end in a single '\n'); at most 4 GiB - 1.
struct Document {
  Format format = Format::kText;
  std::string title;  // from the document itself; empty if it names none
  std::string text;
  std::vector<SourceMark> marks;
  std::vector<Heading> headings;  // sorted by offset
  std::string encoding;           // the source's encoding as detected, e.g. "UTF-8"
  std::vector<std::string> warnings;  // what was repaired or left out, in sentences
};

// A contiguous piece of Document::text: [begin, end) in bytes. The chunks of a document are in
// order, cover every byte exactly once and never split a UTF-8 sequence.
struct Chunk {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t start_line = 1;  // source lines of the first and the last character, inclusive
  uint32_t end_line = 1;
  uint32_t page = 0;  // page of the first character, 0 without pages
  uint32_t end_page = 0;
  std::vector<PageStart> page_starts;  // the pages after the first, by offset
  std::string heading;  // section path, outermost first: "Chapter > Section"; may be empty
};

}  // namespace docmind::ingest
