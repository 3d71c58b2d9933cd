// The SQLite wrapper: values in and out, errors with their kinds, transactions, two connections.
// SPDX-License-Identifier: Apache-2.0
#include "base/sqlite.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "index/store_samples.h"
#include "support/temp_folder.h"

namespace docmind {
namespace {

using test::must;
using Mode = Database::Mode;

class SqliteTest : public testing::Test {
 protected:
  Database open(Mode mode = Mode::kReadWrite) const { return must(Database::open(path, mode)); }
  static ErrorCode code_of(const Status& status) {
    EXPECT_FALSE(status.ok());
    return status.ok() ? ErrorCode::kInternal : status.error().code;
  }
  void SetUp() override { must(db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c)")); }

  test::TempFolder folder;
  std::string path = folder.path("test.db");
  Database db = must(Database::open(path, Mode::kCreate));
};

TEST_F(SqliteTest, EveryTypeComesBackAsItWasBound) {
  Statement insert = must(db.prepare("INSERT INTO t(a, b, c) VALUES(?1, ?2, ?3)"));
  const std::string bytes("x\0\xff", 3);
  must(insert.bind(1, std::numeric_limits<int64_t>::min()).bind(2, 0.1).bind_blob(3, bytes).run());
  must(insert.bind(1, int64_t{1}).bind(2, std::string_view("t\0\u00e9", 4)).bind_null(3).run());
  must(insert.bind(1, int64_t{2}).bind(2, std::string_view()).bind_blob(3, {}).run());
  EXPECT_EQ(db.last_insert_id(), 2);
  EXPECT_EQ(db.n_changed(), 1);

  Statement select = must(db.prepare("SELECT a, b, c FROM t ORDER BY a"));
  ASSERT_TRUE(must(select.step()));
  EXPECT_EQ(select.column_int(0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(select.column_double(1), 0.1);
  EXPECT_EQ(select.column_blob(2), bytes);
  ASSERT_TRUE(must(select.step()));
  EXPECT_EQ(select.column_text(1), std::string_view("t\0\u00e9", 4));
  EXPECT_TRUE(select.column_is_null(2));
  EXPECT_EQ(select.column_text(2), "");
  ASSERT_TRUE(must(select.step()));
  EXPECT_FALSE(select.column_is_null(1));  // an empty text is no NULL
  EXPECT_FALSE(select.column_is_null(2));
  EXPECT_FALSE(must(select.step()));
}

TEST_F(SqliteTest, ResetForgetsTheValuesAndStartsAgain) {
  Statement select = must(db.prepare("SELECT ?1"));
  ASSERT_TRUE(must(select.bind(1, int64_t{7}).step()));
  EXPECT_EQ(select.column_int(0), 7);
  select.reset();
  ASSERT_TRUE(must(select.step()));
  EXPECT_TRUE(select.column_is_null(0));
}

TEST_F(SqliteTest, AFailedBindSurfacesAtTheNextStepOnly) {
  Statement select = must(db.prepare("SELECT ?1"));
  select.bind(2, int64_t{7});
  EXPECT_FALSE(select.step().ok());
  select.reset();
  EXPECT_TRUE(must(select.bind(1, int64_t{7}).step()));
  EXPECT_EQ(select.column_int(0), 7);
}

TEST_F(SqliteTest, AStatementCanBeMovedWhileItHasARow) {
  Statement select = must(db.prepare("SELECT 1 UNION ALL SELECT 2"));
  ASSERT_TRUE(must(select.step()));
  Statement moved = std::move(select);
  EXPECT_EQ(moved.column_int(0), 1);
  Statement third;
  third = std::move(moved);
  ASSERT_TRUE(must(third.step()));
  EXPECT_EQ(third.column_int(0), 2);
}

TEST_F(SqliteTest, BadSqlIsAnErrorThatSaysWhat) {
  const auto bad = db.prepare("SELECT a FROM nowhere");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("nowhere"), std::string::npos) << bad.error().message;
  EXPECT_FALSE(db.exec("NOT SQL").ok());
}

TEST_F(SqliteTest, AConflictIsAnErrorAndTheStatementCanBeUsedAgain) {
  Statement insert = must(db.prepare("INSERT INTO t(b) VALUES(?1)"));
  must(insert.bind(1, int64_t{5}).run());
  const Status refused = insert.bind(1, int64_t{5}).run();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("UNIQUE"), std::string::npos) << refused.error().message;
  must(insert.bind(1, int64_t{6}).run());
  EXPECT_EQ(must(db.query_int("SELECT count(*) FROM t")), 2);
}

TEST_F(SqliteTest, QueryIntWithoutARowIsNotFound) {
  EXPECT_EQ(must(db.query_int("SELECT 40 + 2")), 42);
  EXPECT_EQ(db.query_int("SELECT a FROM t").error().code, ErrorCode::kNotFound);
}

TEST_F(SqliteTest, ATransactionIsWholeOrAbsent) {
  {
    const Transaction dropped = must(Transaction::begin(db));
    must(db.exec("INSERT INTO t(b) VALUES(1)"));
  }
  EXPECT_EQ(must(db.query_int("SELECT count(*) FROM t")), 0);
  {
    Transaction kept = must(Transaction::begin(db));
    must(db.exec("INSERT INTO t(b) VALUES(1); INSERT INTO t(b) VALUES(2)"));
    EXPECT_FALSE(Transaction::begin(db).ok());  // no second one inside; the first goes on
    must(kept.commit());
  }
  EXPECT_EQ(must(open(Mode::kReadOnly).query_int("SELECT count(*) FROM t")), 2);
}

TEST_F(SqliteTest, AMovedTransactionIsRolledBackOnce) {
  Transaction first = must(Transaction::begin(db));
  {
    const Transaction second = std::move(first);
    must(db.exec("INSERT INTO t(b) VALUES(1)"));
  }
  EXPECT_EQ(must(db.query_int("SELECT count(*) FROM t")), 0);
  must(must(Transaction::begin(db)).commit());
}

TEST_F(SqliteTest, ASecondWriterIsBusyAndReadersGoOn) {
  const Database other = open();
  must(other.exec("PRAGMA busy_timeout=0"));
  Transaction writing = must(Transaction::begin(db));
  must(db.exec("INSERT INTO t(b) VALUES(1)"));
  EXPECT_EQ(must(other.query_int("SELECT count(*) FROM t")), 0);
  const auto refused = Transaction::begin(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy);
  must(writing.commit());
  EXPECT_EQ(must(other.query_int("SELECT count(*) FROM t")), 1);
  EXPECT_TRUE(Transaction::begin(other).ok());
}

TEST_F(SqliteTest, AReadOnlyConnectionCannotWrite) {
  EXPECT_EQ(code_of(open(Mode::kReadOnly).exec("INSERT INTO t(b) VALUES(1)")), ErrorCode::kPermission);
}

TEST_F(SqliteTest, OpensWithTheSettingsItPromises) {
  EXPECT_EQ(must(db.query_int("PRAGMA foreign_keys")), 1);
  EXPECT_EQ(must(db.query_int("PRAGMA synchronous")), 1);  // NORMAL
  EXPECT_EQ(must(db.query_int("PRAGMA trusted_schema")), 0);
  EXPECT_EQ(must(db.query_int("PRAGMA busy_timeout")), 5'000);
  Statement mode = must(db.prepare("PRAGMA journal_mode"));
  ASSERT_TRUE(must(mode.step()));
  EXPECT_EQ(mode.column_text(0), "wal");
}

TEST_F(SqliteTest, OnlyCreateMakesAFile) {
  const std::string missing = folder.path("missing.db");
  for (const Mode mode : {Mode::kReadOnly, Mode::kReadWrite}) {
    const auto refused = Database::open(missing, mode);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
    EXPECT_NE(refused.error().message.find(missing), std::string::npos) << refused.error().message;
  }
  EXPECT_FALSE(folder.exists("missing.db"));
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsMalformedAndStaysAsItIs) {
  for (const std::string& bytes : {std::string("short"), std::string(5'000, 'j')}) {
    folder.write("other.db", bytes);
    for (const Mode mode : {Mode::kReadOnly, Mode::kReadWrite, Mode::kCreate}) {
      const auto refused = Database::open(folder.path("other.db"), mode);
      ASSERT_FALSE(refused.ok()) << bytes.size();
      EXPECT_EQ(refused.error().code, ErrorCode::kMalformed) << refused.error().message;
      EXPECT_NE(refused.error().message.find("other.db"), std::string::npos);
    }
    EXPECT_EQ(folder.read("other.db"), bytes);
  }
}

TEST(SqliteError, TellsTheKindsOfFailureApart) {
  const auto code = [](int sqlite_code) { return sqlite_error(nullptr, sqlite_code, "x").code; };
  EXPECT_EQ(code(SQLITE_FULL), ErrorCode::kIo);
  EXPECT_EQ(code(SQLITE_IOERR_WRITE), ErrorCode::kIo);
  EXPECT_EQ(code(SQLITE_BUSY_SNAPSHOT), ErrorCode::kBusy);
  EXPECT_EQ(code(SQLITE_LOCKED), ErrorCode::kBusy);
  EXPECT_EQ(code(SQLITE_CORRUPT_VTAB), ErrorCode::kMalformed);
  EXPECT_EQ(code(SQLITE_NOTADB), ErrorCode::kMalformed);
  EXPECT_EQ(code(SQLITE_READONLY_DBMOVED), ErrorCode::kPermission);
  EXPECT_EQ(code(SQLITE_TOOBIG), ErrorCode::kLimit);
  EXPECT_EQ(code(SQLITE_INTERRUPT), ErrorCode::kCancelled);
  EXPECT_EQ(code(SQLITE_ERROR), ErrorCode::kInternal);
  EXPECT_EQ(sqlite_error(nullptr, SQLITE_FULL, "store a row").message,
            "cannot store a row: database or disk is full");
}

}  // namespace
}  // namespace docmind
