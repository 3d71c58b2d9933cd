// The store's schema: creation, migration, refusal of files that are not ours.
// SPDX-License-Identifier: Apache-2.0
#include "index/schema.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "index/lexical_search.h"
#include "index/store_samples.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;

Database create(const std::string& path) { return must(Database::open(path, Database::Mode::kCreate)); }

int64_t version_of(const Database& db) { return must(db.query_int("PRAGMA user_version")); }

// A store as version 1 of the schema made it, with one document of one chunk.
void make_version_1(const std::string& path) {
  const Database db = create(path);
  must(db.exec(migration_sql(0)));
  must(db.exec("PRAGMA application_id=" + std::to_string(kApplicationId) +
               "; PRAGMA user_version=1;"));
  must(db.exec("INSERT INTO documents(id, path, content_hash, size_bytes, mtime_ns, ctime_ns, inode, "
               "checked_unix_ms, format, title, search_title, n_chunks) VALUES(7, CAST('/old' AS "
               "BLOB), zeroblob(32), 1, 2, 3, 4, 5, 'text', 'Old', 'old', 1);"
               "INSERT INTO chunks VALUES(9, 7, 0, 11, 1, 1, 0, 0, 'head', 'apple juice');"
               "INSERT INTO chunk_fts(rowid, title, heading, text) "
               "VALUES(9, 'old', 'head', 'apple juice');"));
}

// A database of another program in SQLite's default journal mode.
void make_foreign(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
}

TEST(Schema, CreatesAFreshStore) {
  const test::TempFolder folder;
  const StoreWriter writer = must(StoreWriter::open(folder.path("store"), {}));
  EXPECT_EQ(version_of(writer.reader().db()), kSchemaVersion);
  EXPECT_EQ(must(writer.reader().db().query_int("PRAGMA application_id")), kApplicationId);
  EXPECT_EQ(must(writer.reader().generation()), 0);
  EXPECT_EQ(must(writer.reader().store_id()).size(), 32u);
  EXPECT_TRUE(check_schema(writer.reader().db()).ok());
  test::check_store(writer);
}

TEST(Schema, EachStoreHasItsOwnIdentityAndKeepsIt) {
  const test::TempFolder folder;
  const std::string first =
      must(must(StoreWriter::open(folder.path("a"), {})).reader().store_id());
  EXPECT_NE(first, must(must(StoreWriter::open(folder.path("b"), {})).reader().store_id()));
  EXPECT_EQ(first, must(must(StoreWriter::open(folder.path("a"), {})).reader().store_id()));
}

TEST(Schema, MigrationIsIdempotent) {
  const test::TempFolder folder;
  const Database db = create(folder.path("x.db"));
  must(migrate(db));
  const int64_t schema_cookie = must(db.query_int("PRAGMA schema_version"));
  must(migrate(db));
  EXPECT_EQ(must(db.query_int("PRAGMA schema_version")), schema_cookie);
  EXPECT_EQ(version_of(db), kSchemaVersion);
}

TEST(Schema, EveryVersionHasItsStep) {
  for (int version = 0; version < kSchemaVersion; ++version) {
    EXPECT_FALSE(migration_sql(version).empty()) << version;
  }
  EXPECT_TRUE(migration_sql(kSchemaVersion).empty());
  EXPECT_TRUE(migration_sql(-1).empty());
}

TEST(Schema, MigratesVersion1AndKeepsItsRows) {
  const test::TempFolder folder;
  make_version_1(database_path(folder.path()));
  const auto before = StoreReader::open(folder.path());
  ASSERT_FALSE(before.ok());
  EXPECT_EQ(before.error().code, ErrorCode::kMismatch);
  EXPECT_NE(before.error().message.find("older schema version 1"), std::string::npos);

  const StoreWriter writer = must(StoreWriter::open(folder.path(), {}));
  EXPECT_EQ(version_of(writer.reader().db()), kSchemaVersion);
  const auto record = must(writer.reader().document("/old"));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->id, 7);
  EXPECT_EQ(record->stamp.inode, 4u);
  const LexicalSearcher searcher = must(LexicalSearcher::create(writer.reader()));
  const auto hits = must(searcher.search(std::vector<LexicalTerm>{{"apples", 1.0}}, {}, 5));
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].chunk_id, 9);

  // What version 2 added works, and old rows can be replaced.
  test::put(writer, "/old", {"pear"});
  EXPECT_TRUE(must(searcher.search(std::vector<LexicalTerm>{{"apple", 1.0}}, {}, 5)).empty());
  WriteBatch batch = must(writer.begin());
  must(batch.put_embedder_state("key", "value"));
  must(batch.commit());
  EXPECT_EQ(must(writer.reader().embedder_state("key")), "value");
  test::check_store(writer);
}

TEST(Schema, AFailedMigrationLeavesTheOldVersion) {
  const test::TempFolder folder;
  const std::string path = folder.path("x.db");
  make_version_1(path);
  const Database db = create(path);
  must(db.exec("CREATE TABLE failures(x)"));  // the second table of the step is in the way
  EXPECT_FALSE(migrate(db).ok());
  EXPECT_EQ(version_of(db), 1);
  EXPECT_EQ(must(db.query_int("SELECT count(*) FROM sqlite_schema WHERE name='embedder_state'")), 0);
  EXPECT_EQ(must(db.query_int("SELECT count(*) FROM chunks")), 1);
  must(db.exec("DROP TABLE failures"));
  must(migrate(db));
  EXPECT_EQ(version_of(db), kSchemaVersion);
}

TEST(Schema, RefusesANewerVersionUnchanged) {
  const test::TempFolder folder;
  const std::string path = database_path(folder.path());
  {
    const Database db = create(path);
    must(migrate(db));
    must(db.exec("PRAGMA user_version=99"));
  }
  const std::string bytes = folder.read("docmind.db");
  const auto writer = StoreWriter::open(folder.path(), {});
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code, ErrorCode::kMismatch);
  EXPECT_NE(writer.error().message.find("99"), std::string::npos);
  EXPECT_NE(writer.error().message.find(path), std::string::npos);
  EXPECT_EQ(StoreReader::open(folder.path()).error().code, ErrorCode::kMismatch);
  EXPECT_EQ(folder.read("docmind.db"), bytes);
}

TEST(Schema, RefusesAnotherApplicationsFileUnchanged) {
  for (const char* sql : {"CREATE TABLE notes(x); INSERT INTO notes VALUES('mine');",
                          "CREATE TABLE notes(x); PRAGMA user_version=2;",
                          "PRAGMA application_id=1234;"}) {
    const test::TempFolder folder;
    make_foreign(database_path(folder.path()), sql);
    const std::string bytes = folder.read("docmind.db");
    const auto writer = StoreWriter::open(folder.path(), {});
    ASSERT_FALSE(writer.ok()) << sql;
    EXPECT_EQ(writer.error().code, ErrorCode::kMismatch) << writer.error().message;
    EXPECT_NE(writer.error().message.find("another application"), std::string::npos);
    const auto reader = StoreReader::open(folder.path());
    ASSERT_FALSE(reader.ok()) << sql;
    EXPECT_EQ(reader.error().code, ErrorCode::kMismatch) << reader.error().message;
    EXPECT_EQ(folder.read("docmind.db"), bytes) << sql;
    EXPECT_FALSE(folder.exists("docmind.db-wal"));
  }
}

TEST(Schema, RefusesAVersionThatNeverWas) {
  for (const char* version : {"0", "-1", "-2000000000"}) {
    const test::TempFolder folder;
    const Database db = create(folder.path("x.db"));
    must(migrate(db));
    must(db.exec(std::string("PRAGMA user_version=") + version));
    for (const Status& status : {migrate(db), check_schema(db), check_ours(db)}) {
      ASSERT_FALSE(status.ok()) << version;
      EXPECT_EQ(status.error().code, ErrorCode::kMalformed);
      EXPECT_NE(status.error().message.find(version), std::string::npos);
    }
    EXPECT_EQ(version_of(db), std::stoll(version));
  }
}

TEST(Schema, AGarbageFileIsMalformedAndStays) {
  for (const std::string& bytes : {std::string("x"), std::string(5000, 'x'),
                                   "SQLite format 3" + std::string(1, '\0') + std::string(4080, 'y')}) {
    const test::TempFolder folder;
    folder.write("docmind.db", bytes);
    const auto writer = StoreWriter::open(folder.path(), {});
    ASSERT_FALSE(writer.ok()) << bytes.size();
    EXPECT_EQ(writer.error().code, ErrorCode::kMalformed) << writer.error().message;
    const auto reader = StoreReader::open(folder.path());
    ASSERT_FALSE(reader.ok()) << bytes.size();
    EXPECT_EQ(reader.error().code, ErrorCode::kMalformed) << reader.error().message;
    EXPECT_EQ(folder.read("docmind.db"), bytes);
  }
}

TEST(Schema, AReaderOfNothingSaysHowToIndex) {
  const test::TempFolder folder;
  folder.write("empty/docmind.db", "");
  for (const char* name : {"absent", "empty"}) {
    const auto reader = StoreReader::open(folder.path(name));
    ASSERT_FALSE(reader.ok());
    EXPECT_EQ(reader.error().code, ErrorCode::kNotFound);
    EXPECT_NE(reader.error().message.find("docmind index PATH"), std::string::npos);
  }
  EXPECT_TRUE(StoreWriter::open(folder.path("empty"), {}).ok());
}

}  // namespace
}  // namespace docmind::index
