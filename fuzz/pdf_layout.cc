// Fuzzes the layout of PDF text: outline ("2 Title" a line), then pages, separated by form feeds.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_document.h"
#include "ingest/pdf_layout.h"

namespace docmind::fuzz {
namespace {

// What read_pdf() makes of poppler's text before the layout sees it.
std::string clean(std::string_view bytes) {
  size_t n_replaced = 0;
  std::string text = ingest::repair_utf8(bytes, n_replaced);
  std::erase(text, '\0');
  return text;
}

std::vector<ingest::PdfOutlineEntry> read_outline(std::string_view text) {
  std::vector<ingest::PdfOutlineEntry> outline;
  while (!text.empty() && outline.size() < 100) {
    const std::string_view line = take_part(text, '\n');
    if (line.empty()) continue;
    const auto level = static_cast<uint8_t>(1 + static_cast<uint8_t>(line[0]) % 6);
    outline.push_back({.level = level, .title = ingest::one_line(line.substr(1), 300)});
  }
  return outline;
}

void check_pages(std::string_view outline, std::string_view text) {
  constexpr size_t kMaxPages = 60;
  const ingest::ReadLimits limits = small_limits();
  std::vector<ingest::PdfPage> pages;
  for (const std::string_view page : split_parts(text, kPartSeparator, kMaxPages)) {
    pages.push_back(ingest::split_page(page, static_cast<uint32_t>(pages.size() + 1)));
  }
  for (const ingest::PdfPage& page : pages) {
    for (const ingest::PdfLine& line : page.lines) {
      require(ingest::is_valid_utf8(line.text), "a line of a page is UTF-8");
    }
  }
  ingest::strip_running_lines(pages);
  ingest::mark_headings(pages, read_outline(outline));
  ingest::TextBuilder builder(ingest::Format::kPdf, limits);
  ingest::write_pages(pages, builder);
  const Result<ingest::Document> document = std::move(builder).finish();
  if (document.ok()) check_document(*document, limits);
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = docmind::fuzz::clean(docmind::fuzz::as_text(data, size));
  std::string_view rest = text;
  const std::string_view outline = docmind::fuzz::take_part(rest, docmind::fuzz::kPartSeparator);
  docmind::fuzz::check_pages(outline, rest);
  return 0;
}
