// SQLite as the project uses it: connections, statements and transactions that return Results.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace docmind {

// A prepared statement. Bind positions are 1-based, columns 0-based, as in SQLite. Borrowed from
// its Database, which must outlive it. Text and blobs returned by column_*() are borrowed until the
// next step() or reset().
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Bound text and blobs are borrowed: they must live until the statement was stepped or reset.
  Statement& bind(int position, int64_t value);
  Statement& bind(int position, double value);
  Statement& bind(int position, std::string_view text);
  Statement& bind_blob(int position, std::string_view bytes);
  Statement& bind_null(int position);
  // A typed pointer for one of our own SQL functions (sqlite3_bind_pointer); borrowed likewise.
  Statement& bind_pointer(int position, const void* pointer, const char* type);

  // True: a row is there. False: done. Errors of earlier binds surface here.
  Result<bool> step();
  // Steps a statement that returns no row to its end and resets it.
  Status run();
  // Makes the statement ready for new values; keeps none of the old.
  void reset();

  int64_t column_int(int column) const;
  double column_double(int column) const;
  std::string_view column_text(int column) const;
  std::string_view column_blob(int column) const;
  bool column_is_null(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  int bind_error_ = 0;
};

// One connection; use from one thread at a time.
class Database {
 public:
  enum class Mode { kReadOnly, kReadWrite, kCreate };

  Database() = default;
  // Opens with a 5 s busy timeout, foreign keys on, and (unless read-only) WAL with
  // synchronous=NORMAL: a killed process loses nothing committed; a power cut may lose the last
  // transactions but never corrupts. A file that is not SQLite is kMalformed. A reader needs the
  // folder writable too (WAL's shared memory), except on a file system mounted read-only.
  static Result<Database> open(const std::string& path, Mode mode);

  Result<Statement> prepare(std::string_view sql) const;
  // Runs one or more statements without results.
  Status exec(std::string_view sql) const;
  // The single integer that `sql` returns; kNotFound when it returns no row.
  Result<int64_t> query_int(std::string_view sql) const;

  int64_t last_insert_id() const;
  int64_t n_changed() const;
  // For extensions (FTS5 auxiliary functions); owned by this object.
  sqlite3* handle() const { return db_.get(); }

 private:
  // `name` is a path, or a URI with SQLITE_OPEN_URI among the flags.
  static Result<Database> open_file(const std::string& name, Mode mode, int flags);

  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
};

// BEGIN IMMEDIATE ... COMMIT; rolls back on destruction unless commit() succeeded. The Database must
// stay where it is (not moved) until then.
class Transaction {
 public:
  static Result<Transaction> begin(const Database& db);
  Transaction(Transaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(const Database* db) : db_(db) {}
  const Database* db_;
};

// The Error for the last failed call on `db`: disk full, busy, corrupt are told apart.
Error sqlite_error(sqlite3* db, int code, std::string_view doing);

}  // namespace docmind
