// What holds for every document that a reader makes, and for its chunks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "fuzz/check.h"
#include "ingest/chunker.h"
#include "ingest/document.h"
#include "ingest/reader.h"
#include "ingest/utf8.h"
#include "ingest/worker.h"

namespace docmind::fuzz {

// Small enough that the fuzzer reaches the limits.
inline ingest::ReadLimits small_limits() {
  ingest::ReadLimits limits;
  limits.max_file_bytes = 1 << 20;
  limits.max_text_bytes = 256 << 10;
  limits.max_archive_bytes = 1 << 20;
  limits.max_depth = 200;
  return limits;
}

// The source mark in force at `offset`, looked for one by one where the chunker searches.
inline ingest::SourceMark mark_of(const ingest::Document& document, uint32_t offset) {
  ingest::SourceMark found;
  for (const ingest::SourceMark& mark : document.marks) {
    if (mark.offset > offset) break;
    found = mark;
  }
  return found;
}

// Chunks cover every byte once, split no character, keep the limit and know their place.
inline void check_chunks(const ingest::Document& document, const ingest::ChunkOptions& options) {
  uint32_t at = 0;
  for (const ingest::Chunk& chunk : ingest::chunk_document(document, options)) {
    require(chunk.begin == at, "a chunk begins where the one before ends");
    require(chunk.end > chunk.begin && chunk.end <= document.text.size(), "a chunk lies in it");
    const uint32_t size = chunk.end - chunk.begin;
    require(size <= std::max<uint32_t>(options.max_bytes, 16), "a chunk keeps the limit");
    const std::string text = document.text.substr(chunk.begin, size);
    require(ingest::is_valid_utf8(text), "a chunk holds whole characters");
    require(ingest::is_valid_utf8(chunk.heading), "a heading path is UTF-8");
    require(chunk.heading.size() <= 1'000, "a heading path keeps the limit");
    const size_t last = text.find_last_not_of(" \t\n\v\f\r");
    const uint32_t last_offset =
        chunk.begin + (last == std::string::npos ? 0 : static_cast<uint32_t>(last));
    require(chunk.start_line == mark_of(document, chunk.begin).line, "the first line is right");
    require(chunk.page == mark_of(document, chunk.begin).page, "the first page is right");
    require(chunk.end_line == mark_of(document, last_offset).line, "the last line is right");
    require(chunk.end_page == mark_of(document, last_offset).page, "the last page is right");
    at = chunk.end;
  }
  require(at == document.text.size(), "the chunks reach the end of the text");
}

// The promises of ingest/document.h. The codec refuses documents that break most of them.
inline void check_document(const ingest::Document& document, const ingest::ReadLimits& limits) {
  require(static_cast<int64_t>(document.text.size()) <= limits.max_text_bytes + 1,
          "the text keeps the limit");
  require(document.text.find('\r') == std::string::npos, "line ends are one line feed");
  require(document.title.find('\n') == std::string::npos, "a title is one line");
  const std::string bytes = ingest::encode_document(document);
  const Result<ingest::Document> decoded = ingest::decode_document(bytes);
  require(decoded.ok(), decoded.ok() ? "" : decoded.error().message);
  require(ingest::encode_document(*decoded) == bytes, "the codec keeps a document");
  check_chunks(document, {});
  check_chunks(document, {.min_bytes = 20, .target_bytes = 60, .max_bytes = 120});
}

// Reads hostile bytes: a sound document, or an error that says why not.
inline void check_reader(Result<ingest::Document> (*reader)(std::string_view,
                                                            const ingest::ReadLimits&),
                         std::string_view bytes) {
  const ingest::ReadLimits limits = small_limits();
  const Result<ingest::Document> document = reader(bytes, limits);
  if (document.ok()) return check_document(*document, limits);
  require(document.error().code != ErrorCode::kInternal, document.error().message);
  require(!document.error().message.empty(), "an error has a message");
}

}  // namespace docmind::fuzz
