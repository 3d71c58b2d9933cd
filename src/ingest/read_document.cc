// Picks the reader for a file.
// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <new>

#include "ingest/reader.h"

namespace docmind::ingest {
namespace {

Result<Document> read_as(Format format, std::string_view bytes, const ReadLimits& limits) {
  switch (format) {
    case Format::kText: return read_text(bytes, limits);
    case Format::kMarkdown: return read_markdown(bytes, limits);
    case Format::kHtml: return read_html(bytes, limits);
    case Format::kPdf: return read_pdf(bytes, limits);
    case Format::kDocx: return read_docx(bytes, limits);
  }
  return Error{ErrorCode::kInternal, "unknown format"};
}

}  // namespace

Result<Document> read_document(std::string_view path, std::string_view bytes,
                               const ReadLimits& limits) {
  const std::string name = "'" + std::string(path) + "'";
  if (static_cast<int64_t>(bytes.size()) > limits.max_file_bytes) {
    return Error{ErrorCode::kLimit, name + " has " + std::to_string(bytes.size()) +
                                        " bytes, more than the limit of " +
                                        std::to_string(limits.max_file_bytes)};
  }
  try {
    const std::optional<Format> format = detect_format(path, bytes);
    if (!format) {
      return Error{ErrorCode::kUnsupported,
                   name + " is not text, Markdown, HTML, PDF or DOCX; leave it out with an exclude "
                          "pattern, or convert it first"};
    }
    Result<Document> document = read_as(*format, bytes, limits);
    if (!document.ok()) return std::move(document).error().with_context(name);
    return document;
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kLimit, name + ": reading it needs more memory than there is"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, name + ": " + e.what()};
  }
}

}  // namespace docmind::ingest
