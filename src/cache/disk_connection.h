// The disk tier's open SQLite file: its prepared statements and the steps made of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/sqlite.h"
#include "cache/disk_schema.h"
#include "cache/disk_value.h"
#include "cache/tier.h"

namespace docmind::cache {

// A row as it stands in the file, which may say anything; the value is borrowed during the visit.
struct DiskRow {
  int64_t id = 0;
  int64_t checksum = 0;
  int64_t created_unix_ms = 0;
  int64_t expires_unix_ms = 0;
  int64_t used_unix_ms = 0;
  double cost_ms = 0;
  StoredValue value;
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
  // What open() found.
  CacheSchema found_schema() const { return found_schema_; }
  // Of the file that was opened, to notice that another one stands in its place.
  uint64_t inode() const { return inode_; }

  // Calls `visit` with the row while its value is borrowed; returns whether there was one.
  template <typename Visit>
  Result<bool> find(const CacheKey& key, Visit&& visit);
  Status touch(int64_t id, int64_t now_unix_ms);
  // `stored`: the entry's value as it is to stand in the file.
  Status upsert(const CacheKey& key, const CacheEntry& entry, const StoredValue& stored,
                int64_t now_unix_ms);
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
  CacheSchema found_schema_ = CacheSchema::kCurrent;
  Statement find_, touch_, upsert_, erase_, delete_expired_, by_use_, delete_id_, count_;
  Statement page_count_, free_count_;
};

// The checksum of a plain value under its key; it differs when values were swapped, and when a time
// was changed.
int64_t checksum_of(const CacheKey& key, const CacheEntry& entry);

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
                  .cost_ms = find_.column_double(5),
                  .value = {.encoding = find_.column_int(6),
                            .plain_bytes = find_.column_int(7),
                            .bytes = find_.column_blob(8)}});
  }
  find_.reset();  // also ends the read transaction
  return row;
}

}  // namespace docmind::cache
