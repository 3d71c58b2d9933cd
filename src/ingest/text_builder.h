// TextBuilder: collects a document's text with its source marks and headings; shared by the readers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ingest/document.h"
#include "ingest/reader.h"

namespace docmind::ingest {

// What stands between one piece of text and the next; the larger one wins.
enum class Break : uint8_t { kNone, kLine, kBlock };

// Breaks and marks are pending until text follows, so that a document never starts or ends with
// blank lines and every mark points at a character. One thread; valid UTF-8 in, same out.
class TextBuilder {
 public:
  // Text beyond `limits.max_text_bytes` is counted but not kept, and finish() reports kLimit.
  TextBuilder(Format format, const ReadLimits& limits);

  // The text that follows comes from this source line and page.
  void mark(uint32_t line, uint32_t page = 0);
  void separate(Break kind);
  void append(std::string_view text);
  // Opens a section at the text that follows; `title` is made one line. Empty titles are dropped.
  void heading(int level, std::string_view title);

  [[nodiscard]] bool full() const { return overfull_; }
  [[nodiscard]] uint64_t limit_bytes() const { return limit_bytes_; }
  [[nodiscard]] bool empty() const { return document_.text.empty(); }
  // Last byte written, '\n' when a break is pending or nothing was written yet.
  [[nodiscard]] char last() const;
  // Takes back the last byte, for a hyphen at a line end. Only right after append() of more bytes.
  void drop_last();

  Document& document() { return document_; }
  // Ends the text with one '\n'. kLimit names the limit when text was left out.
  Result<Document> finish() &&;

 private:
  void settle();

  Document document_;
  uint64_t limit_bytes_;
  Break pending_ = Break::kNone;
  bool overfull_ = false;
  SourceMark next_;
};

// Longest title or heading kept, in bytes.
inline constexpr size_t kMaxTitleBytes = 300;

// Says how many invalid sequences were replaced; nothing when there were none.
void warn_replaced(Document& document, size_t n_replaced);

// The error for a text larger than allowed; `got` is 0 when it was not measured to the end.
Error text_limit_error(uint64_t got, int64_t limit);

}  // namespace docmind::ingest
