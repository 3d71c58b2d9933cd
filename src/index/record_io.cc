// Rows to records and back, shared by the store's reader and writer.
// SPDX-License-Identifier: Apache-2.0
#include "index/record_io.h"

#include <algorithm>
#include <cstring>

namespace docmind::index {

BelowRoot::BelowRoot(std::string_view root) : root_(root) {
  while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  low_ = root_ == "/" ? root_ : root_ + "/";
  high_ = low_;
  high_.back() = '/' + 1;
}

void BelowRoot::bind(Statement& statement) const {
  if (root_.empty()) {
    statement.bind_null(1).bind_null(2).bind_null(3);
  } else {
    statement.bind_blob(1, root_).bind_blob(2, low_).bind_blob(3, high_);
  }
}

FileStamp read_stamp(const Statement& statement, int column) {
  return FileStamp{.size_bytes = statement.column_int(column),
                   .mtime_ns = statement.column_int(column + 1),
                   .ctime_ns = statement.column_int(column + 2),
                   .inode = static_cast<uint64_t>(statement.column_int(column + 3))};
}

void bind_stamp(Statement& statement, int position, const FileStamp& stamp) {
  statement.bind(position, stamp.size_bytes)
      .bind(position + 1, stamp.mtime_ns)
      .bind(position + 2, stamp.ctime_ns)
      .bind(position + 3, static_cast<int64_t>(stamp.inode));
}

Result<DocumentRecord> read_document_row(const Statement& statement) {
  DocumentRecord record;
  record.id = statement.column_int(0);
  record.path = statement.column_blob(1);
  const std::string_view hash = statement.column_blob(2);
  if (hash.size() != record.content_hash.size()) {
    return Error{ErrorCode::kMalformed, "the store's hash of '" + record.path + "' has " +
                                            std::to_string(hash.size()) + " bytes, expected 32"};
  }
  std::memcpy(record.content_hash.data(), hash.data(), hash.size());
  record.stamp = read_stamp(statement, 3);
  record.checked_unix_ms = statement.column_int(7);
  record.format = statement.column_text(8);
  record.title = statement.column_text(9);
  record.n_chunks = statement.column_int(10);
  return record;
}

StoredChunk read_chunk_row(const Statement& statement) {
  const auto u32 = [&](int column) { return static_cast<uint32_t>(statement.column_int(column)); };
  StoredChunk chunk;
  chunk.id = statement.column_int(0);
  chunk.document_id = statement.column_int(1);
  chunk.path = statement.column_blob(2);
  chunk.title = statement.column_text(3);
  chunk.format = statement.column_text(4);
  chunk.begin = u32(5);
  chunk.end = u32(6);
  chunk.start_line = u32(7);
  chunk.end_line = u32(8);
  chunk.page = u32(9);
  chunk.end_page = u32(10);
  chunk.heading = statement.column_text(11);
  chunk.text = statement.column_text(12);
  chunk.page_starts = decode_page_starts(statement.column_blob(13));
  return chunk;
}

std::string_view as_blob(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string encode_page_starts(std::span<const PageStart> starts) {
  return {reinterpret_cast<const char*>(starts.data()), starts.size_bytes()};
}

std::vector<PageStart> decode_page_starts(std::string_view bytes) {
  std::vector<PageStart> starts;
  if (bytes.size() % sizeof(PageStart) != 0) return starts;
  starts.resize(bytes.size() / sizeof(PageStart));
  if (!bytes.empty()) std::memcpy(starts.data(), bytes.data(), bytes.size());
  return starts;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string join_lines(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).push_back('\n');
  return text;
}

}  // namespace docmind::index
