// Fuzzes the chunker against a plain reading of the marks: a line of three sizes, then the text.
// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "fuzz/check_document.h"

namespace docmind::fuzz {
namespace {

uint32_t take_size(std::string_view& line, uint32_t max) {
  const std::string_view part = take_part(line, ' ');
  uint32_t value = 0;
  std::from_chars(part.data(), part.data() + part.size(), value);
  return value % (max + 1);
}

// A mark at every line, a page at every form feed, a heading at every line that begins with '#'.
ingest::Document document_of(std::string text) {
  ingest::Document document;
  document.text = std::move(text);
  uint32_t page = 1;
  uint32_t number = 1;
  for (size_t at = 0; at < document.text.size(); ++number) {
    const size_t end = std::min(document.text.find('\n', at), document.text.size());
    const std::string_view line = std::string_view(document.text).substr(at, end - at);
    const auto offset = static_cast<uint32_t>(at);
    page += line.starts_with('\f') ? 1 : 0;
    document.marks.push_back({.offset = offset, .line = number, .page = page});
    const size_t level = std::min<size_t>(line.find_first_not_of('#'), 9);
    if (line.starts_with('#') && level > 0) {
      document.headings.push_back({.offset = offset,
                                   .level = static_cast<uint8_t>(level),
                                   .title = ingest::one_line(line, 300)});
    }
    at = end + 1;
  }
  return document;
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  std::string_view rest = fuzz::as_text(data, size);
  std::string_view sizes = fuzz::take_part(rest, '\n');
  ingest::ChunkOptions options;
  options.min_bytes = fuzz::take_size(sizes, 1'000);
  options.target_bytes = fuzz::take_size(sizes, 2'000);
  options.max_bytes = fuzz::take_size(sizes, 3'000);
  size_t n_replaced = 0;
  fuzz::check_chunks(fuzz::document_of(ingest::repair_utf8(rest, n_replaced)), options);
  return 0;
}
