// Reads PDF with poppler: text per page in reading order, page and line marks, outline headings.
// SPDX-License-Identifier: Apache-2.0
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>
#include <poppler-toc.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "ingest/pdf_layout.h"
#include "ingest/reader.h"
#include "ingest/text_builder.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

void ignore_message(const std::string&, void*) {}

// Poppler writes its complaints to standard error unless told otherwise, for the whole process.
void silence_poppler() {
  static std::once_flag once;
  std::call_once(once, [] { poppler::set_debug_error_function(ignore_message, nullptr); });
}

std::string to_utf8(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  size_t n_replaced = 0;
  std::string out = repair_utf8({bytes.data(), bytes.size()}, n_replaced);
  std::erase(out, '\0');
  return out;
}

// The title of the document information, unless it is only a file name or a program's default.
std::string meaningful_title(const poppler::document& pdf) {
  std::string title = one_line(to_utf8(pdf.get_title()), kMaxTitleBytes);
  constexpr std::string_view kWord = "Microsoft Word - ";
  if (title.starts_with(kWord)) title.erase(0, kWord.size());
  std::string lower = title;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  constexpr std::array<std::string_view, 12> kFileEnds = {
      ".pdf", ".doc", ".docx", ".odt", ".dvi", ".ps", ".tex", ".indd", ".qxd", ".rtf", ".txt", ".ppt"};
  const bool file = std::any_of(kFileEnds.begin(), kFileEnds.end(),
                                [&](std::string_view end) { return lower.ends_with(end); });
  const bool noise = lower.starts_with("untitled") || lower == "powerpoint presentation" ||
                     lower.starts_with("document1") || lower == "title" || lower.size() < 3;
  return file || noise ? std::string() : title;
}

// Entries in reading order; depth and number are bounded because the outline is the file's word.
std::vector<PdfOutlineEntry> read_outline(const poppler::document& pdf) {
  constexpr size_t kMaxEntries = 20'000;
  constexpr uint8_t kMaxLevel = 6;
  std::vector<PdfOutlineEntry> entries;
  const std::unique_ptr<poppler::toc> toc(pdf.create_toc());
  if (toc == nullptr || toc->root() == nullptr) return entries;
  std::vector<std::pair<const poppler::toc_item*, uint8_t>> open = {{toc->root(), 0}};
  while (!open.empty() && entries.size() < kMaxEntries) {
    const auto [item, level] = open.back();
    open.pop_back();
    if (level > 0) {
      entries.push_back({.level = level, .title = one_line(to_utf8(item->title()), kMaxTitleBytes)});
    }
    if (level == kMaxLevel) continue;
    const std::vector<poppler::toc_item*> children = item->children();
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
      open.emplace_back(*child, static_cast<uint8_t>(level + 1));
    }
  }
  return entries;
}

bool has_end_marker(std::string_view bytes) {
  constexpr size_t kTailBytes = 2048;
  const std::string_view tail = bytes.substr(bytes.size() - std::min(bytes.size(), kTailBytes));
  return tail.find("%%EOF") != std::string_view::npos;
}

Result<std::unique_ptr<poppler::document>> open_pdf(std::string_view bytes,
                                                    const ReadLimits& limits) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return Error{ErrorCode::kLimit, "the PDF has " + std::to_string(bytes.size()) +
                                        " bytes, more than the 2 GiB that can be read"};
  }
  silence_poppler();
  std::unique_ptr<poppler::document> pdf(
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  if (pdf != nullptr && pdf->is_locked()) {
    return Error{ErrorCode::kUnsupported,
                 "the PDF is encrypted and needs a password; save a copy without one"};
  }
  if (!has_end_marker(bytes)) {
    return Error{ErrorCode::kMalformed, "the PDF is truncated: its end-of-file mark is missing"};
  }
  if (pdf == nullptr || pdf->pages() <= 0) {
    return Error{ErrorCode::kMalformed, "the PDF is damaged: no page can be read"};
  }
  if (pdf->pages() > limits.max_pages) {
    return Error{ErrorCode::kLimit, "the PDF has " + std::to_string(pdf->pages()) +
                                        " pages, more than the limit of " +
                                        std::to_string(limits.max_pages)};
  }
  return pdf;
}

struct PdfText {
  std::vector<PdfPage> pages;
  int n_unreadable = 0;
  bool any_text = false;
};

Result<PdfText> read_pages(const poppler::document& pdf, const ReadLimits& limits) {
  PdfText text;
  int64_t n_bytes = 0;
  const Stopwatch watch;
  for (int i = 0; i < pdf.pages(); ++i) {
    if (watch.elapsed_ms() > limits.timeout_ms) {
      return Error{ErrorCode::kLimit, "reading the PDF took more than " +
                                          std::to_string(limits.timeout_ms) + " ms; stopped at page " +
                                          std::to_string(i + 1)};
    }
    const std::unique_ptr<poppler::page> page(pdf.create_page(i));
    if (page == nullptr) {
      ++text.n_unreadable;
      continue;
    }
    // Neither raw nor physical: poppler finds columns and blocks and gives them in reading order.
    const std::string lines =
        to_utf8(page->text(poppler::rectf(), poppler::page::non_raw_non_physical_layout));
    n_bytes += static_cast<int64_t>(lines.size());
    if (n_bytes > limits.max_text_bytes) return text_limit_error(0, limits.max_text_bytes);
    text.pages.push_back(split_page(lines, static_cast<uint32_t>(i + 1)));
    text.any_text = text.any_text ||
                    std::any_of(text.pages.back().lines.begin(), text.pages.back().lines.end(),
                                [](const PdfLine& line) { return !line.text.empty(); });
  }
  return text;
}

}  // namespace

Result<Document> read_pdf(std::string_view bytes, const ReadLimits& limits) {
  DM_ASSIGN(const std::unique_ptr<poppler::document> pdf, open_pdf(bytes, limits));
  DM_ASSIGN(PdfText text, read_pages(*pdf, limits));
  if (!text.any_text) {
    return Error{ErrorCode::kUnsupported,
                 "the PDF has no text layer (scanned?); run it through an OCR program first"};
  }
  strip_running_lines(text.pages);
  mark_headings(text.pages, read_outline(*pdf));
  TextBuilder builder(Format::kPdf, limits);
  write_pages(text.pages, builder);
  builder.document().title = meaningful_title(*pdf);
  if (text.n_unreadable > 0) {
    builder.document().warnings.push_back(std::to_string(text.n_unreadable) + " of " +
                                          std::to_string(pdf->pages()) +
                                          " pages are damaged and were left out");
  }
  return std::move(builder).finish();
}

}  // namespace docmind::ingest
