// make_citation: where the quoted words of a passage stand, as narrowly as can be told.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/make_citation.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/file.h"
#include "ingest/reader.h"
#include "pipeline/source_lines.h"
#include "providers/quote.h"
#include "providers/text_blocks.h"

namespace docmind::pipeline {
namespace {

// From the lines of the whole passage to those that hold the quotes. The text of a passage has other
// line ends than its source (markup is gone, blank lines are), so the source itself is asked. Where
// it does not tell, or is no text, the passage's lines stay: they are right, only more.
void narrow_lines(Citation& citation) {
  constexpr int64_t kMaxSourceBytes = 8 << 20;
  if (citation.page > 0 || citation.quotes.empty()) return;
  const Result<std::string> bytes = read_file(citation.path, kMaxSourceBytes);
  if (!bytes.ok()) return;
  const Result<ingest::DecodedText> source = ingest::decode_text(*bytes, {});
  if (!source.ok()) return;
  const auto lines =
      find_lines(source->text, {citation.start_line, citation.end_line}, citation.quotes);
  if (!lines) return;
  citation.start_line = lines->first;
  citation.end_line = lines->last;
}

// From the pages of the whole passage to those of the quotes.
void narrow_pages(const Passage& passage, std::span<const providers::Evidence> spans,
                  Citation& citation) {
  if (spans.empty() || passage.page_starts.empty()) return;
  const auto page_at = [&](size_t offset) {
    uint32_t page = passage.page;
    for (const PageStart& start : passage.page_starts) {
      if (start.offset <= offset) page = start.page;
    }
    return page;
  };
  citation.page = page_at(spans.front().begin);
  citation.end_page = citation.page;
  for (const providers::Evidence& span : spans) {
    citation.page = std::min(citation.page, page_at(span.begin));
    citation.end_page = std::max(citation.end_page, page_at(span.end - 1));
  }
}

// Commands and formulas on a line of their own have the form of headings; most do not read as one.
bool reads_as_heading(std::string_view line) {
  constexpr size_t kLongest = 80;
  const auto is_word_byte = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ';
  };
  if (line.empty() || line.size() > kLongest) return false;
  if (line.find_first_of("=;{}[]<>|\"\\$") != std::string_view::npos) return false;
  const bool named = line.find(" (") != std::string_view::npos;  // "work_mem (integer)"
  if (!named && !(line[0] >= 'A' && line[0] <= 'Z') && !(line[0] >= '0' && line[0] <= '9')) return false;
  const auto n_word_bytes = std::count_if(line.begin(), line.end(), is_word_byte);
  return static_cast<size_t>(n_word_bytes) * 10 >= line.size() * 8;
}

// A passage may hold several short sections: the one that is quoted is named by the last heading
// above the quote. Headings inside a passage are known by their form alone.
std::string section_of(const Passage& passage, std::span<const providers::Evidence> spans) {
  constexpr std::string_view kSeparator = " > ";
  if (spans.empty()) return passage.heading;
  const std::string_view text = passage.text;
  std::string_view above;
  for (const providers::TextBlock& block : providers::split_blocks(text)) {
    if (block.begin > spans.front().begin) break;
    const std::string_view line = text.substr(block.begin, block.end - block.begin);
    if (block.kind == providers::BlockKind::kHeading && reads_as_heading(line)) above = line;
  }
  const size_t last = passage.heading.rfind(kSeparator);
  const std::string_view own = std::string_view(passage.heading)
                                   .substr(last == std::string::npos ? 0 : last + kSeparator.size());
  if (above.empty() || above == own) return passage.heading;
  const std::string outermost = passage.heading.substr(0, passage.heading.find(kSeparator));
  return (outermost.empty() ? passage.title : outermost) + std::string(kSeparator) +
         providers::quote_of(above);
}

}  // namespace

Citation make_citation(int number, const Passage& passage,
                       std::span<const providers::Evidence> spans) {
  Citation citation{.number = number,
                    .path = passage.path,
                    .title = passage.title,
                    .heading = section_of(passage, spans),
                    .start_line = passage.start_line,
                    .end_line = passage.end_line,
                    .page = passage.page,
                    .end_page = passage.end_page};
  for (const providers::Evidence& span : spans) {
    citation.quotes.push_back(
        providers::quote_of(std::string_view(passage.text).substr(span.begin, span.end - span.begin)));
  }
  narrow_lines(citation);
  narrow_pages(passage, spans, citation);
  return citation;
}

}  // namespace docmind::pipeline
