// From the lines of PDF pages to reading text: running headers out, paragraphs joined.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ingest/text_builder.h"

namespace docmind::ingest {

struct PdfLine {
  std::string text;     // trimmed valid UTF-8; empty between blocks
  uint32_t number = 1;  // of the line in the page's text, 1-based
  uint8_t heading = 0;  // level; 0 for ordinary lines
};

struct PdfPage {
  uint32_t number = 1;  // 1-based
  std::vector<PdfLine> lines;
};

// One entry of the document's outline, in reading order.
struct PdfOutlineEntry {
  uint8_t level = 1;
  std::string title;
};

// Splits the text of a page; drops control characters, expands ligatures, and joins a section
// number that stands alone ("3.1") with the title behind it.
[[nodiscard]] PdfPage split_page(std::string_view text, uint32_t number);

// Removes lines at the top and the bottom that repeat on more than 60% of the pages (digits do not
// count), and chapter titles and page numbers that run over neighbouring pages.
void strip_running_lines(std::vector<PdfPage>& pages);

// Marks the lines that the outline names as headings. The outline and the lines are both in reading
// order, so each entry is looked for behind the one before it.
void mark_headings(std::vector<PdfPage>& pages, const std::vector<PdfOutlineEntry>& outline);

// Writes the pages: lines of a paragraph joined by spaces, hyphens at line ends removed, one mark
// per source line.
void write_pages(const std::vector<PdfPage>& pages, TextBuilder& builder);

}  // namespace docmind::ingest
