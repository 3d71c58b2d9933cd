// Rows to records and back, shared by the store's reader and writer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "index/types.h"

namespace docmind::index {

inline constexpr const char* kDocumentColumns =
    "id, path, content_hash, size_bytes, mtime_ns, ctime_ns, inode, checked_unix_ms, format, title, "
    "n_chunks";

// SQL condition: `path` is the root itself or lies below it; bound by BelowRoot.
inline constexpr const char* kBelowRoot = "(?1 IS NULL OR path=?1 OR (path>?2 AND path<?3))";

// The three values of kBelowRoot; an empty root means every path, slashes at the end of another do
// not count. Must outlive the statement's use.
class BelowRoot {
 public:
  explicit BelowRoot(std::string_view root);
  void bind(Statement& statement) const;

 private:
  std::string root_;
  std::string low_;   // root + '/'
  std::string high_;  // the first string after all that start with low_
};

// kDocumentColumns from column 0 on; kMalformed when the hash has a wrong size.
Result<DocumentRecord> read_document_row(const Statement& statement);
// The columns of StoreReader::chunks.
StoredChunk read_chunk_row(const Statement& statement);
// size_bytes, mtime_ns, ctime_ns, inode from `column` on.
FileStamp read_stamp(const Statement& statement, int column);
void bind_stamp(Statement& statement, int position, const FileStamp& stamp);

std::string_view as_blob(const Digest& digest);
// The form of `chunks.page_starts`. What is no whole number of pairs is read as none.
std::string encode_page_starts(std::span<const PageStart> starts);
std::vector<PageStart> decode_page_starts(std::string_view bytes);
std::vector<std::string> split_lines(std::string_view text);
std::string join_lines(std::span<const std::string> lines);

}  // namespace docmind::index
