// The records that the store keeps and hands out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/page_start.h"

namespace docmind::index {

// One indexed file.
struct DocumentRecord {
  int64_t id = 0;
  std::string path;  // absolute; any bytes but NUL
  Digest content_hash{};
  FileStamp stamp;
  int64_t checked_unix_ms = 0;  // when `stamp` was last known to belong to `content_hash`
  std::string format;           // "html"
  std::string title;
  int64_t n_chunks = 0;
};

// A file that could not be read when it had `stamp`.
struct FailureRecord {
  std::string path;
  FileStamp stamp;
  int64_t checked_unix_ms = 0;
  Error error;
};

// A folder or file that the user asked to index, with the globs of that time.
struct RootRecord {
  std::string path;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

// A chunk on its way in; offsets in bytes of the document's extracted text.
struct NewChunk {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t start_line = 1;
  uint32_t end_line = 1;
  uint32_t page = 0;
  uint32_t end_page = 0;
  std::vector<PageStart> page_starts = {};  // the pages after the first, by offset
  std::string heading;
  std::string text;
};

// A chunk on its way out, with what a citation needs of its document.
struct StoredChunk {
  int64_t id = 0;
  int64_t document_id = 0;
  std::string path;
  std::string title;
  std::string format;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t start_line = 1;
  uint32_t end_line = 1;
  uint32_t page = 0;
  uint32_t end_page = 0;
  std::vector<PageStart> page_starts = {};  // the pages after the first, by offset
  std::string heading;
  std::string text;
};

inline constexpr int64_t kMaxDimension = 65'536;

// Which embedder made the vectors of a store.
struct EmbedderRecord {
  std::string identity;  // "lexical-lsa/1", or a model file's name and hash
  int64_t dimension = 0;   // 1 to kMaxDimension
  bool normalised = true;
  bool operator==(const EmbedderRecord&) const = default;
};

// A chunk and its score in one ranked list; higher is better.
struct ScoredChunk {
  int64_t chunk_id = 0;
  double score = 0;
};

// Counts of a store, for summaries and doctor.
struct StoreCounts {
  int64_t n_documents = 0;
  int64_t n_chunks = 0;
  int64_t n_vectors = 0;
  int64_t text_bytes = 0;
  int64_t file_bytes = 0;  // size of the store's files on disk
};

}  // namespace docmind::index
