// TextBuilder: collects a document's text with its source marks and headings; shared by the readers.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/text_builder.h"

#include <algorithm>

#include "ingest/utf8.h"

namespace docmind::ingest {

TextBuilder::TextBuilder(Format format, const ReadLimits& limits) {
  constexpr int64_t kOffsetMax = 0xFFFFFFFFLL - 16;  // room for breaks and the last line end
  document_.format = format;
  limit_bytes_ = static_cast<uint64_t>(std::clamp<int64_t>(limits.max_text_bytes, 0, kOffsetMax));
}

void TextBuilder::mark(uint32_t line, uint32_t page) {
  next_.line = line;
  next_.page = page;
}

void TextBuilder::separate(Break kind) {
  if (!document_.text.empty()) pending_ = std::max(pending_, kind);
}

void TextBuilder::settle() {
  std::string& text = document_.text;
  if (pending_ != Break::kNone) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    text.append(pending_ == Break::kBlock ? "\n\n" : "\n");
    pending_ = Break::kNone;
  }
  next_.offset = static_cast<uint32_t>(text.size());
  auto& marks = document_.marks;
  // Trimming may have taken text back from under the newest marks and headings.
  while (!marks.empty() && marks.back().offset >= next_.offset) marks.pop_back();
  auto& headings = document_.headings;
  while (!headings.empty() && headings.back().offset > next_.offset) headings.pop_back();
  if (!marks.empty() && marks.back().line == next_.line && marks.back().page == next_.page) return;
  marks.push_back(next_);
}

void TextBuilder::append(std::string_view text) {
  if (text.empty() || overfull_) return;
  if (document_.text.size() + text.size() > limit_bytes_) {
    overfull_ = true;
    return;
  }
  settle();
  document_.text.append(text);
}

void TextBuilder::heading(int level, std::string_view title) {
  std::string line = one_line(title, kMaxTitleBytes);
  if (line.empty() || overfull_) return;
  settle();
  document_.headings.push_back(Heading{.offset = next_.offset,
                                       .level = static_cast<uint8_t>(std::clamp(level, 1, 9)),
                                       .title = std::move(line)});
}

char TextBuilder::last() const {
  return document_.text.empty() || pending_ != Break::kNone ? '\n' : document_.text.back();
}

void TextBuilder::drop_last() {
  if (!document_.text.empty()) document_.text.pop_back();
}

Result<Document> TextBuilder::finish() && {
  if (overfull_) return text_limit_error(0, static_cast<int64_t>(limit_bytes_));
  std::string& text = document_.text;
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  if (!text.empty()) text.push_back('\n');
  const auto past = [&](uint32_t offset) { return offset >= text.size(); };
  while (!document_.marks.empty() && past(document_.marks.back().offset)) {
    document_.marks.pop_back();
  }
  while (!document_.headings.empty() && past(document_.headings.back().offset)) {
    document_.headings.pop_back();
  }
  return std::move(document_);
}

void warn_replaced(Document& document, size_t n_replaced) {
  if (n_replaced == 0) return;
  document.warnings.push_back(std::to_string(n_replaced) + " invalid " + document.encoding +
                              (n_replaced == 1 ? " sequence was" : " sequences were") +
                              " replaced by U+FFFD");
}

Error text_limit_error(uint64_t got, int64_t limit) {
  return Error{ErrorCode::kLimit,
               (got > 0 ? "the text has " + std::to_string(got) + " bytes, more than the limit of "
                        : std::string("the text has more bytes than the limit of ")) +
                   std::to_string(limit)};
}

}  // namespace docmind::ingest
