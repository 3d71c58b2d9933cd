// The disk tier's open SQLite file: its prepared statements and the steps made of them.
// SPDX-License-Identifier: Apache-2.0
#include "cache/disk_connection.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/file.h"

namespace docmind::cache {
namespace {

// A cache must not hold its caller up for long.
constexpr int kBusyTimeoutMs = 1'000;
constexpr int64_t kRowBytes = 64 << 10;  // of a row beside its value, generously
constexpr int64_t kRowOverheadBytes = 64;  // what even an empty row takes

Result<int64_t> single_int(Statement& statement) {
  Result<bool> row = statement.step();
  const int64_t value = row.ok() && *row ? statement.column_int(0) : 0;
  statement.reset();
  if (!row.ok()) return std::move(row).error();
  return value;
}

}  // namespace

std::string_view as_bytes(const CacheKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

int64_t checksum_of(const CacheKey& key, const CacheEntry& entry) {
  struct {
    CacheKey key;
    int64_t created_unix_ms, expires_unix_ms;
    double cost_ms;
  } head = {key, entry.created_unix_ms, entry.expires_unix_ms, entry.cost_ms};
  static_assert(sizeof(head) == 56, "no padding, whose bytes could be anything");
  const std::string_view head_bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  return static_cast<int64_t>(hash64(*entry.value, hash64(head_bytes)));
}

Result<std::unique_ptr<DiskConnection>> DiskConnection::open(const std::string& path,
                                                             int64_t max_value_bytes) {
  DM_TRY(create_private_file(path));  // before SQLite makes it readable by others
  auto connection = std::unique_ptr<DiskConnection>(new DiskConnection);
  DM_ASSIGN(const FileStamp stamp, stat_regular_file(path));
  connection->inode_ = stamp.inode;
  DM_ASSIGN(connection->db_, Database::open(path, Database::Mode::kReadWrite));
  sqlite3_busy_timeout(connection->db_.handle(), kBusyTimeoutMs);
  sqlite3_limit(connection->db_.handle(), SQLITE_LIMIT_LENGTH,
                static_cast<int>(max_value_bytes + kRowBytes));
  DM_ASSIGN(connection->found_schema_, prepare_cache_schema(connection->db_));
  DM_TRY(connection->db_.exec("PRAGMA journal_size_limit=4194304"));
  DM_ASSIGN(connection->page_bytes_, connection->db_.query_int("PRAGMA page_size"));
  if (Status prepared = connection->prepare_all(); !prepared.ok()) {
    Error error = std::move(prepared).error();
    // The version is right and yet a table or column is missing: as bad as a damaged page.
    if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kMalformed;
    return error;
  }
  return connection;
}

Status DiskConnection::prepare_all() {
  DM_ASSIGN(find_, db_.prepare("SELECT id, checksum, created_unix_ms, expires_unix_ms, used_unix_ms, "
                              "cost_ms, encoding, plain_bytes, value FROM entries WHERE key=?1"));
  DM_ASSIGN(touch_, db_.prepare("UPDATE entries SET used_unix_ms=?2 WHERE id=?1"));
  DM_ASSIGN(upsert_,
            db_.prepare("INSERT INTO entries(key, checksum, created_unix_ms, expires_unix_ms, "
                       "used_unix_ms, cost_ms, encoding, plain_bytes, size_bytes, value) "
                       "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) "
                       "ON CONFLICT(key) DO UPDATE SET checksum=excluded.checksum, "
                       "created_unix_ms=excluded.created_unix_ms, "
                       "expires_unix_ms=excluded.expires_unix_ms, "
                       "used_unix_ms=excluded.used_unix_ms, cost_ms=excluded.cost_ms, "
                       "encoding=excluded.encoding, plain_bytes=excluded.plain_bytes, "
                       "size_bytes=excluded.size_bytes, value=excluded.value"));
  DM_ASSIGN(erase_, db_.prepare("DELETE FROM entries WHERE key=?1"));
  DM_ASSIGN(delete_expired_, db_.prepare("DELETE FROM entries WHERE expires_unix_ms<>0 AND "
                                        "expires_unix_ms<=?1"));
  DM_ASSIGN(by_use_, db_.prepare("SELECT id, size_bytes FROM entries ORDER BY used_unix_ms"));
  DM_ASSIGN(delete_id_, db_.prepare("DELETE FROM entries WHERE id=?1"));
  DM_ASSIGN(count_, db_.prepare("SELECT count(*) FROM entries"));
  DM_ASSIGN(page_count_, db_.prepare("PRAGMA page_count"));
  DM_ASSIGN(free_count_, db_.prepare("PRAGMA freelist_count"));
  return {};
}

Status DiskConnection::touch(int64_t id, int64_t now_unix_ms) {
  return touch_.bind(1, id).bind(2, now_unix_ms).run();
}

Status DiskConnection::upsert(const CacheKey& key, const CacheEntry& entry,
                              const StoredValue& stored, int64_t now_unix_ms) {
  return upsert_.bind_blob(1, as_bytes(key))
      .bind(2, checksum_of(key, entry))
      .bind(3, entry.created_unix_ms)
      .bind(4, entry.expires_unix_ms)
      .bind(5, now_unix_ms)
      .bind(6, entry.cost_ms)
      .bind(7, stored.encoding)
      .bind(8, stored.plain_bytes)
      .bind(9, static_cast<int64_t>(stored.bytes.size()))
      .bind_blob(10, stored.bytes)
      .run();
}

Status DiskConnection::erase(const CacheKey& key) {
  return erase_.bind_blob(1, as_bytes(key)).run();
}

Result<int64_t> DiskConnection::delete_expired(int64_t now_unix_ms) {
  DM_TRY(delete_expired_.bind(1, now_unix_ms).run());
  return db_.n_changed();
}

Result<int64_t> DiskConnection::delete_least_used(int64_t at_least_bytes) {
  std::vector<int64_t> ids;
  Status read;
  for (int64_t found_bytes = 0; found_bytes < at_least_bytes;) {
    Result<bool> row = by_use_.step();
    if (!row.ok()) read = std::move(row).error();
    if (!row.ok() || !*row) break;
    ids.push_back(by_use_.column_int(0));
    found_bytes += std::max<int64_t>(by_use_.column_int(1), 0) + kRowOverheadBytes;
  }
  by_use_.reset();
  DM_TRY(std::move(read));
  for (const int64_t id : ids) DM_TRY(delete_id_.bind(1, id).run());
  return static_cast<int64_t>(ids.size());
}

Result<int64_t> DiskConnection::n_entries() { return single_int(count_); }

Result<int64_t> DiskConnection::file_bytes() {
  DM_ASSIGN(const int64_t n_pages, single_int(page_count_));
  return n_pages * page_bytes_;
}

Result<int64_t> DiskConnection::used_bytes() {
  DM_ASSIGN(const int64_t total_bytes, file_bytes());
  DM_ASSIGN(const int64_t n_free, single_int(free_count_));
  return total_bytes - n_free * page_bytes_;
}

Status DiskConnection::vacuum() {
  DM_TRY(db_.exec("VACUUM"));
  // Moves the shrunken pages into the file and cuts it; waits for readers, no longer than the busy
  // timeout, and is tried again by SQLite at the next checkpoint.
  return db_.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace docmind::cache
