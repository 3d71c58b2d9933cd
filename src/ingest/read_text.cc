// Reads plain text: the decoded file as it is, with a mark for every line.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ingest/reader.h"
#include "ingest/text_builder.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

constexpr size_t kMaxTitleLineBytes = 120;

bool is_underline(std::string_view line) {
  line = trim(line);
  if (line.size() < 3) return false;
  constexpr std::string_view kMarks = "=-~*#^\"'`+_.";
  return kMarks.find(line[0]) != std::string_view::npos &&
         line.find_first_not_of(line[0]) == std::string_view::npos;
}

// The line at `begin` without its line end; moves `begin` behind it.
std::string_view next_line(std::string_view text, size_t& begin) {
  const size_t end = std::min(text.find('\n', begin), text.size());
  const std::string_view line = text.substr(begin, end - begin);
  begin = std::min(end + 1, text.size());
  return line;
}

// The first line of the text when it stands alone (a blank line or the end follows) or is
// underlined; a line drawn above it is passed over.
std::string find_title(std::string_view text) {
  size_t at = 0;
  std::string_view line;
  while (at < text.size() && (trim(line).empty() || is_underline(line))) line = next_line(text, at);
  const std::string_view title = trim(line);
  if (title.empty() || is_underline(title) || title.size() > kMaxTitleLineBytes) return {};
  if (at >= text.size()) return {};  // a single line is the content, not its title
  const std::string_view below = next_line(text, at);
  if (!trim(below).empty() && !is_underline(below)) return {};
  return one_line(title, kMaxTitleBytes);
}

}  // namespace

Result<Document> read_text(std::string_view bytes, const ReadLimits& limits) {
  DM_ASSIGN(DecodedText decoded, decode_text(bytes, ""));
  if (static_cast<int64_t>(decoded.text.size()) > limits.max_text_bytes) {
    return text_limit_error(decoded.text.size(), limits.max_text_bytes);
  }
  Document document;
  document.format = Format::kText;
  document.encoding = std::move(decoded.encoding);
  document.text = std::move(decoded.text);
  document.title = find_title(document.text);
  warn_replaced(document, decoded.n_replaced);
  uint32_t line = 0;
  for (size_t at = 0; at < document.text.size(); next_line(document.text, at)) {
    document.marks.push_back(SourceMark{.offset = static_cast<uint32_t>(at), .line = ++line});
  }
  return document;
}

}  // namespace docmind::ingest
