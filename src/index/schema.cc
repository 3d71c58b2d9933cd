// The store's SQLite schema: what the tables hold, its version, and migrations between versions.
// SPDX-License-Identifier: Apache-2.0
#include "index/schema.h"

#include <string>

namespace docmind::index {
namespace {

// Version 1. Paths are BLOBs: file names are bytes, not text. A chunk's text is stored once, in
// `chunks`; the full-text index reads it through the view (external content), so a row must be
// deleted from the index with its old values before the chunk goes. AUTOINCREMENT: the id of a
// document or chunk that is gone is never given again, so a late reader finds nothing for it rather
// than another text.
constexpr std::string_view kCreate = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES('store_id', lower(hex(randomblob(16)))), ('generation', 0);

CREATE TABLE roots(
  path BLOB PRIMARY KEY,          -- absolute
  include TEXT NOT NULL,          -- globs, one a line
  exclude TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE documents(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path BLOB NOT NULL UNIQUE,      -- absolute
  content_hash BLOB NOT NULL,     -- SHA-256 of the file
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  checked_unix_ms INTEGER NOT NULL,  -- when the stamp was last known to match the content
  format TEXT NOT NULL,
  title TEXT NOT NULL,
  search_title TEXT NOT NULL,     -- title and file name words, as indexed
  n_chunks INTEGER NOT NULL
);

CREATE TABLE chunks(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  begin_byte INTEGER NOT NULL,    -- in the extracted text
  end_byte INTEGER NOT NULL,
  start_line INTEGER NOT NULL,
  end_line INTEGER NOT NULL,
  page INTEGER NOT NULL,          -- 0 without pages
  end_page INTEGER NOT NULL,
  heading TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX chunks_document ON chunks(document_id);

CREATE VIEW chunk_content AS
  SELECT c.id AS id, d.search_title AS title, c.heading AS heading, c.text AS text
  FROM chunks c JOIN documents d ON d.id = c.document_id;
CREATE VIRTUAL TABLE chunk_fts USING fts5(
  title, heading, text, content='chunk_content', content_rowid='id',
  tokenize='porter unicode61 remove_diacritics 2');

CREATE TABLE vectors(
  chunk_id INTEGER PRIMARY KEY REFERENCES chunks(id) ON DELETE CASCADE,
  vector BLOB NOT NULL            -- f32 scale, then one int8 a dimension
);
)sql";

// Version 2: what an embedder keeps in the store, and files that could not be read, so that an
// unchanged bad file is named again without being parsed again.
constexpr std::string_view kAddState = R"sql(
CREATE TABLE embedder_state(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE failures(
  path BLOB PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  checked_unix_ms INTEGER NOT NULL,
  code INTEGER NOT NULL,
  message TEXT NOT NULL
) WITHOUT ROWID;
)sql";

// Version 3: where the pages of a chunk begin, so that a citation names the page of its quote. Chunks
// of older stores have none and are cited with all their pages.
constexpr std::string_view kAddPageStarts = R"sql(
ALTER TABLE chunks ADD COLUMN page_starts BLOB NOT NULL DEFAULT x'';  -- pairs of u32: offset, page
)sql";

Error not_ours(int64_t application_id) {
  return Error{ErrorCode::kMismatch,
               "the file is an SQLite database of another application (id " +
                   std::to_string(application_id) + ", ours is " + std::to_string(kApplicationId) +
                   "); name another folder with --store"};
}

Error too_new(int64_t version) {
  return Error{ErrorCode::kMismatch, "the store has schema version " + std::to_string(version) +
                                         ", this program knows up to " +
                                         std::to_string(kSchemaVersion) +
                                         "; use a newer docmind or another folder with --store"};
}

// The schema version, 0 when the database is empty; what check_ours() refuses is an error.
Result<int64_t> stored_version(const Database& db) {
  DM_ASSIGN(const int64_t version, db.query_int("PRAGMA user_version"));
  DM_ASSIGN(const int64_t application_id, db.query_int("PRAGMA application_id"));
  DM_ASSIGN(const int64_t n_tables, db.query_int("SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && application_id == 0 && n_tables == 0) return version;
  if (application_id != kApplicationId) return not_ours(application_id);
  if (version > kSchemaVersion) return too_new(version);
  if (version < 1) {
    return Error{ErrorCode::kMalformed, "the store says that its schema version is " +
                                            std::to_string(version) + ", allowed are 1 to " +
                                            std::to_string(kSchemaVersion) +
                                            "; name another folder with --store"};
  }
  return version;
}

}  // namespace

std::string_view migration_sql(int from) {
  switch (from) {
    case 0: return kCreate;
    case 1: return kAddState;
    case 2: return kAddPageStarts;
    default: return {};
  }
}

Status check_ours(const Database& db) {
  Result<int64_t> version = stored_version(db);
  if (!version.ok()) return std::move(version).error();
  return {};
}

Status migrate(const Database& db) {
  while (true) {
    DM_ASSIGN(Transaction transaction, Transaction::begin(db));
    DM_ASSIGN(const int64_t version, stored_version(db));
    if (version == kSchemaVersion) return {};
    DM_TRY(db.exec(migration_sql(static_cast<int>(version))));
    DM_TRY(db.exec("PRAGMA application_id=" + std::to_string(kApplicationId)));
    DM_TRY(db.exec("PRAGMA user_version=" + std::to_string(version + 1)));
    DM_TRY(transaction.commit());
  }
}

Status check_schema(const Database& db) {
  DM_ASSIGN(const int64_t version, stored_version(db));
  if (version == 0) {
    return Error{ErrorCode::kNotFound, "the store is empty; run: docmind index PATH"};
  }
  if (version < kSchemaVersion) {
    return Error{ErrorCode::kMismatch, "the store has the older schema version " +
                                           std::to_string(version) + ", this program reads " +
                                           std::to_string(kSchemaVersion) +
                                           "; run 'docmind index' once to bring it up to date"};
  }
  return {};
}

}  // namespace docmind::index
