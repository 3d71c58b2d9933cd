// The SQLite schema of the disk tier: what it holds, its version, and what is not ours.
// SPDX-License-Identifier: Apache-2.0
#include "cache/disk_schema.h"

#include <string>

namespace docmind::cache {
namespace {

// The value stands last, so that the other columns are read without following its overflow pages.
constexpr std::string_view kCreate = R"sql(
CREATE TABLE entries(
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  checksum INTEGER NOT NULL,      -- of the plain value, the key and the times (disk_connection.h)
  created_unix_ms INTEGER NOT NULL,
  expires_unix_ms INTEGER NOT NULL,  -- 0: never
  used_unix_ms INTEGER NOT NULL,  -- may lag behind by an hour
  cost_ms REAL NOT NULL,          -- what making the value took
  encoding INTEGER NOT NULL,      -- of the value: 0 plain, 1 zstd
  plain_bytes INTEGER NOT NULL,   -- of the value before it was encoded
  size_bytes INTEGER NOT NULL,    -- of the value as it stands here
  value BLOB NOT NULL
);
CREATE INDEX entries_by_use ON entries(used_unix_ms, size_bytes);
CREATE INDEX entries_by_expiry ON entries(expires_unix_ms) WHERE expires_unix_ms <> 0;
)sql";

}  // namespace

Result<CacheSchema> prepare_cache_schema(const Database& db) {
  const auto found = [&]() -> Result<CacheSchema> {
    DM_ASSIGN(const int64_t id, db.query_int("PRAGMA application_id"));
    DM_ASSIGN(const int64_t version, db.query_int("PRAGMA user_version"));
    DM_ASSIGN(const int64_t n_tables, db.query_int("SELECT count(*) FROM sqlite_schema"));
    if (id == 0 && version == 0 && n_tables == 0) return CacheSchema::kEmpty;
    if (id != kCacheApplicationId) {
      return Error{ErrorCode::kMismatch,
                   "the file is an SQLite database of another application (id " +
                       std::to_string(id) + ", a cache has " +
                       std::to_string(kCacheApplicationId) + "); name another file for the cache"};
    }
    if (version > kCacheSchemaVersion) {
      return Error{ErrorCode::kMismatch, "the cache has schema version " + std::to_string(version) +
                                             ", this program uses " +
                                             std::to_string(kCacheSchemaVersion) +
                                             "; delete the file, its content can be made again"};
    }
    return version == kCacheSchemaVersion ? CacheSchema::kCurrent : CacheSchema::kOlder;
  };
  DM_ASSIGN(const CacheSchema before, found());
  if (before == CacheSchema::kCurrent) return before;
  DM_ASSIGN(Transaction transaction, Transaction::begin(db));
  // Another process may have created the tables while this one waited for the lock.
  DM_ASSIGN(const CacheSchema now, found());
  if (now == CacheSchema::kCurrent) return now;
  DM_TRY(db.exec("DROP TABLE IF EXISTS entries"));
  DM_TRY(db.exec(kCreate));
  DM_TRY(db.exec("PRAGMA application_id=" + std::to_string(kCacheApplicationId)));
  DM_TRY(db.exec("PRAGMA user_version=" + std::to_string(kCacheSchemaVersion)));
  DM_TRY(transaction.commit());
  return now;
}

}  // namespace docmind::cache
