// SQLite as the project uses it: connections, statements and transactions that return Results.
// SPDX-License-Identifier: Apache-2.0
#include "base/sqlite.h"

#include <sqlite3.h>
#include <sys/statvfs.h>

#include "base/file.h"

namespace docmind {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

ErrorCode code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::kBusy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kMalformed;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return ErrorCode::kPermission;
    case SQLITE_CANTOPEN: return ErrorCode::kNotFound;
    case SQLITE_FULL:
    case SQLITE_IOERR: return ErrorCode::kIo;
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return ErrorCode::kLimit;
    case SQLITE_INTERRUPT: return ErrorCode::kCancelled;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

Error sqlite_error(sqlite3* db, int code, std::string_view doing) {
  std::string message = "cannot ";
  message.append(doing).append(": ");
  message.append(db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code));
  return Error{code_of(code), std::move(message)};
}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), statement_(other.statement_), bind_error_(other.bind_error_) {
  other.statement_ = nullptr;
}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    db_ = other.db_;
    statement_ = other.statement_;
    bind_error_ = other.bind_error_;
    other.statement_ = nullptr;
  }
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int position, int64_t value) {
  bind_error_ |= sqlite3_bind_int64(statement_, position, value);
  return *this;
}

Statement& Statement::bind(int position, double value) {
  bind_error_ |= sqlite3_bind_double(statement_, position, value);
  return *this;
}

Statement& Statement::bind(int position, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";
  bind_error_ |= sqlite3_bind_text64(statement_, position, data, text.size(), SQLITE_STATIC,
                                     SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int position, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  bind_error_ |= sqlite3_bind_blob64(statement_, position, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int position) {
  bind_error_ |= sqlite3_bind_null(statement_, position);
  return *this;
}

Statement& Statement::bind_pointer(int position, const void* pointer, const char* type) {
  bind_error_ |= sqlite3_bind_pointer(statement_, position, const_cast<void*>(pointer), type,
                                      nullptr);
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != 0) {
    return sqlite_error(db_, bind_error_, "bind a value to a statement");
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = sqlite_error(db_, code, "run a statement on the store");
  sqlite3_reset(statement_);
  return error;
}

Status Statement::run() {
  Result<bool> row = step();
  reset();
  if (!row.ok()) return std::move(row).error();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = 0;
}

int64_t Statement::column_int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::column_double(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::column_text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::column_blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::column_is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

namespace {

// SQLite takes a file shorter than its own header for a new database and writes over it.
Status refuse_stub(const std::string& path) {
  constexpr int64_t kHeaderBytes = 100;
  const Result<FileStamp> stamp = stat_regular_file(path);
  if (!stamp.ok() || stamp->size_bytes == 0 || stamp->size_bytes >= kHeaderBytes) return {};
  return Error{ErrorCode::kMalformed,
               "'" + path + "' is not a database: it has " + std::to_string(stamp->size_bytes) +
                   " bytes, the header alone has " + std::to_string(kHeaderBytes)};
}

// The errors that a reader gets when the shared-memory file of the write-ahead log cannot be made.
bool needs_shared_memory(const Error& error) {
  return error.code == ErrorCode::kPermission || error.code == ErrorCode::kIo ||
         error.code == ErrorCode::kNotFound;
}

// Whether the file system is mounted read-only and no log waits to be folded in.
bool is_settled_on_read_only_media(const std::string& path) {
  struct statvfs file_system {};
  if (::statvfs(path.c_str(), &file_system) != 0 || (file_system.f_flag & ST_RDONLY) == 0) return false;
  const Result<FileStamp> log = stat_regular_file(path + "-wal");
  return log.ok() ? log->size_bytes == 0 : log.error().code == ErrorCode::kNotFound;
}

// Everything but letters, digits and '/' is escaped, so that no path is URI syntax.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    if (plain) {
      uri.push_back(c);
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      uri.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Result<Database> Database::open(const std::string& path, Mode mode) {
  DM_TRY(refuse_stub(path));
  Result<Database> db = open_file(path, mode, 0);
  if (db.ok() || mode != Mode::kReadOnly || !needs_shared_memory(db.error())) return db;
  // Nobody can write there, so there is nothing to agree on with a writer.
  if (is_settled_on_read_only_media(path)) return open_file(immutable_uri(path), mode, SQLITE_OPEN_URI);
  if (!stat_regular_file(path).ok()) return db;
  Error error = std::move(db).error();
  error.message += "; even a reader needs to write '" + path +
                   "-shm' beside it: make the folder writable, or make room on its disk";
  return error;
}

Result<Database> Database::open_file(const std::string& name, Mode mode, int flags) {
  flags |= SQLITE_OPEN_NOMUTEX;
  flags |= mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
  Database db;
  db.db_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code, "open '" + name + "'");
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  // trusted_schema off: a store from a stranger must not run functions through its views.
  Status set = db.exec("PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON;");
  if (set.ok() && mode != Mode::kReadOnly) {
    set = db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
  }
  if (set.ok()) set = db.query_int("SELECT count(*) FROM sqlite_schema").ok()
                          ? Status{}
                          : Status{sqlite_error(raw, sqlite3_errcode(raw), "read")};
  if (!set.ok()) return std::move(set).error().with_context("'" + name + "'");
  return db;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_.get(), code, "prepare a statement");
  return Statement(db_.get(), statement);
}

Status Database::exec(std::string_view sql) const {
  const int code = sqlite3_exec(db_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_.get(), code, "run a statement on the store");
  return {};
}

Result<int64_t> Database::query_int(std::string_view sql) const {
  DM_ASSIGN(Statement statement, prepare(sql));
  DM_ASSIGN(const bool row, statement.step());
  if (!row) return Error{ErrorCode::kNotFound, "the query returned no row"};
  return statement.column_int(0);
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(db_.get()); }

int64_t Database::n_changed() const { return sqlite3_changes64(db_.get()); }

Result<Transaction> Transaction::begin(const Database& db) {
  DM_TRY(db.exec("BEGIN IMMEDIATE"));
  return Transaction(&db);
}

Transaction::~Transaction() {
  if (db_ != nullptr && sqlite3_get_autocommit(db_->handle()) == 0) {
    [[maybe_unused]] Status ignored = db_->exec("ROLLBACK");
  }
}

Status Transaction::commit() {
  DM_TRY(db_->exec("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace docmind
