// The disk tier's open SQLite file: its prepared statements and the steps made of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/sqlite.h"
#include "cache/tier.h"

namespace docmind::cache {

// A row as it stands in the file; `value` is borrowed during the visit.
struct DiskRow {
  int64_t id = 0;
  int64_t checksum = 0;
  int64_t created_unix_ms = 0;
  int64_t expires_unix_ms = 0;
  int64_t used_unix_ms = 0;
  std::string_view value;
};

// Use from one thread at a time; stays where it was made.
class DiskConnection {
 public:
  // kMalformed when the file is damaged. A row that is larger than `max_value_bytes` and some room
  // for its other columns is an error when it is read, whatever the file says.
  static Result<std::unique_ptr<DiskConnection>> open(const std::string& path,
                                                      int64_t max_value_bytes);

  const Database& db() const { return db_; }
  int64_t page_bytes() const { return page_bytes_; }
  // Of the file that was opened, to notice that another one stands in its place.
  uint64_t inode() const { return inode_; }

  // Calls `visit` with the row while its value is borrowed; returns whether there was one.
  template <typename Visit>
  Result<bool> find(const CacheKey& key, Visit&& visit);
  Status touch(int64_t id, int64_t now_unix_ms);
  Status upsert(const CacheKey& key, const CacheEntry& entry, int64_t now_unix_ms);
  Status erase(const CacheKey& key);
  // Both return how many entries went.
  Result<int64_t> delete_expired(int64_t now_unix_ms);
  Result<int64_t> delete_least_used(int64_t at_least_bytes);
  Result<int64_t> n_entries();
  Result<int64_t> used_bytes();  // of the file, free pages not counted
  Result<int64_t> file_bytes();
  // Cuts free pages off the file; not within a transaction.
  Status vacuum();

 private:
  Status prepare_all();

  Database db_;  // before its statements, which must go first
  int64_t page_bytes_ = 0;
  uint64_t inode_ = 0;
  Statement find_, touch_, upsert_, erase_, delete_expired_, by_use_, delete_id_, count_;
  Statement page_count_, free_count_;
};

// The checksum that `value` must have under `key`; it differs when values were swapped.
int64_t checksum_of(const CacheKey& key, std::string_view value);

std::string_view as_bytes(const CacheKey& key);

template <typename Visit>
Result<bool> DiskConnection::find(const CacheKey& key, Visit&& visit) {
  find_.bind_blob(1, as_bytes(key));
  Result<bool> row = find_.step();
  if (row.ok() && *row) {
    visit(DiskRow{.id = find_.column_int(0),
                  .checksum = find_.column_int(1),
                  .created_unix_ms = find_.column_int(2),
                  .expires_unix_ms = find_.column_int(3),
                  .used_unix_ms = find_.column_int(4),
                  .value = find_.column_blob(5)});
  }
  find_.reset();  // also ends the read transaction
  return row;
}

}  // namespace docmind::cache
