// HtmlPage: the text of a page in segments, and the choice of those that are content.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ingest/document.h"
#include "ingest/text_builder.h"

namespace docmind::ingest {

// A stretch of HtmlPage::text whose elements agree; [begin, end) in bytes.
struct HtmlSegment {
  uint32_t begin = 0;
  uint32_t end = 0;
  Break before = Break::kNone;
  uint8_t boilerplate = 0;  // Boilerplate bits
  uint8_t heading = 0;      // level, 0 outside headings
  bool in_main = false;     // inside <main> or <article>
};

struct HtmlLine {
  uint32_t offset = 0;
  uint32_t line = 1;
};

// A list whose text is mostly links: segments [begin, end).
struct HtmlLinkRun {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Everything a page shows, boilerplate included, so that the choice can be taken back.
struct HtmlPage {
  std::string title;
  std::string text;
  std::vector<HtmlSegment> segments;
  std::vector<HtmlLine> lines;  // sorted by offset
  std::vector<HtmlLinkRun> link_runs;
  bool overfull = false;  // text was left out because of max_text_bytes
};

// Writes the content of the page to `builder`: without boilerplate where enough remains, and only
// <main> or <article> where they hold the substance. Sets the document's title.
void write_content(HtmlPage& page, TextBuilder& builder);

}  // namespace docmind::ingest
