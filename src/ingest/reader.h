// Readers: bytes of a file in, a Document out. Hostile input costs bounded time and memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ingest/document.h"

namespace docmind::ingest {

// Bounds on what one file may cost.
struct ReadLimits {
  int64_t max_file_bytes = 256LL << 20;      // larger files are refused unread (kLimit)
  int64_t max_text_bytes = 64LL << 20;       // extracted text; more is kLimit
  int64_t max_archive_bytes = 256LL << 20;   // bytes unpacked from a DOCX; more is kLimit (zip bomb)
  int max_pages = 20'000;                    // PDF pages
  int max_depth = 2'000;                     // open HTML/XML elements
  int timeout_ms = 60'000;                   // for one file in the worker process
  int64_t worker_memory_bytes = 1LL << 30;   // address space of the worker process
};

// The format that `path`'s extension and the first bytes of the content claim together; nullopt
// when it is none of ours (images, archives, executables, binary data). Content wins over the
// extension: a PDF named .txt is a PDF, a binary file named .txt is nothing.
[[nodiscard]] std::optional<Format> detect_format(std::string_view path, std::string_view bytes);

// Whether the extension alone is one that we read; the scanner uses it to skip unread files.
[[nodiscard]] bool has_known_extension(std::string_view path);

// Decodes bytes of any common encoding to UTF-8: BOM, then UTF-8 validity, then detection
// (uchardet), with invalid sequences replaced by U+FFFD and counted. Line ends become '\n', NUL is
// dropped. Binary data (many control characters) is kMalformed. `declared` is an encoding the
// document itself names (HTML meta), empty if none.
struct DecodedText {
  std::string text;
  std::string encoding;
  size_t n_replaced = 0;
};
Result<DecodedText> decode_text(std::string_view bytes, std::string_view declared);

// One function per format, each in its own file; thread-safe, no state. They do not touch the disk.
Result<Document> read_text(std::string_view bytes, const ReadLimits& limits);
Result<Document> read_markdown(std::string_view bytes, const ReadLimits& limits);
Result<Document> read_html(std::string_view bytes, const ReadLimits& limits);
Result<Document> read_pdf(std::string_view bytes, const ReadLimits& limits);
Result<Document> read_docx(std::string_view bytes, const ReadLimits& limits);

// Detects the format and calls its reader; kUnsupported when it is none of ours.
Result<Document> read_document(std::string_view path, std::string_view bytes,
                               const ReadLimits& limits);

}  // namespace docmind::ingest
