// RepairableFile: an SQLite file whose content can be made again: opened, repaired, opened anew.
// SPDX-License-Identifier: Apache-2.0
#include "cache/repairable_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace docmind::cache {
namespace {

// A cache must not hold its caller up for long.
constexpr int kSchemaFileWaitMs = 1'000;
constexpr int kPauseForOthersMs = 10;

// Whether the file has the schema; false: it is empty.
Result<bool> has_schema(const Database& db, const SchemaSpec& spec) {
  // In one statement, as another process may be making the schema.
  DM_ASSIGN(Statement row, db.prepare("SELECT count(*), (SELECT application_id FROM pragma_application_id), "
                                      "(SELECT user_version FROM pragma_user_version) FROM sqlite_schema"));
  DM_ASSIGN([[maybe_unused]] const bool found, row.step());
  const int64_t n_tables = row.column_int(0);
  const int64_t id = row.column_int(1);
  const int64_t version = row.column_int(2);
  row.reset();
  if (id == 0 && version == 0 && n_tables == 0) return false;
  const std::string name(spec.name);
  if (id != spec.application_id) {
    return Error{ErrorCode::kMismatch,
                 "the file is an SQLite database of another application (id " + std::to_string(id) +
                     ", that of the " + name + " is " + std::to_string(spec.application_id) +
                     "); name another file for it"};
  }
  if (version != spec.version) {
    return Error{ErrorCode::kMismatch, "the " + name + " has schema version " + std::to_string(version) +
                                           ", this program uses " + std::to_string(spec.version) +
                                           "; delete the file, its content can be made again"};
  }
  return true;
}

Status make_schema(const Database& db, const SchemaSpec& spec) {
  DM_ASSIGN(const bool ready, has_schema(db, spec));
  if (ready) return {};
  DM_ASSIGN(Transaction transaction, Transaction::begin(db));
  // Another process may have created the tables while this one waited for the lock.
  DM_ASSIGN(const bool ready_now, has_schema(db, spec));
  if (ready_now) return {};
  DM_TRY(db.exec(spec.create));
  DM_TRY(db.exec("PRAGMA application_id=" + std::to_string(spec.application_id)));
  DM_TRY(db.exec("PRAGMA user_version=" + std::to_string(spec.version)));
  return transaction.commit();
}

}  // namespace

uint64_t inode_at(const std::string& path) {
  const Result<FileStamp> stamp = stat_regular_file(path);
  return stamp.ok() ? stamp->inode : 0;
}

Result<SchemaFile> open_schema_file(const std::string& path, const SchemaSpec& spec,
                                    int64_t max_row_bytes) {
  DM_TRY(create_private_file(path));  // before SQLite makes it readable by others
  SchemaFile file;
  DM_ASSIGN(const FileStamp stamp, stat_regular_file(path));
  file.inode = stamp.inode;
  DM_ASSIGN(file.db, Database::open(path, Database::Mode::kReadWrite));
  sqlite3_busy_timeout(file.db.handle(), kSchemaFileWaitMs);
  sqlite3_limit(file.db.handle(), SQLITE_LIMIT_LENGTH, static_cast<int>(max_row_bytes));
  DM_TRY(make_schema(file.db, spec));
  DM_TRY(file.db.exec("PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=4194304"));
  DM_ASSIGN(file.page_bytes, file.db.query_int("PRAGMA page_size"));
  return file;
}

FolderLock::FolderLock(const std::string& path, Kind kind) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  folder_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_.valid()) return;
  const int how = (kind == Kind::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  const Stopwatch waited;
  while (::flock(folder_.get(), how) != 0 && errno == EWOULDBLOCK && waited.elapsed_ms() < kSchemaFileWaitMs) {
    pause_for_others();
  }
}

bool set_aside_file(const std::string& path, uint64_t inode) {
  const FolderLock lock(path, FolderLock::Kind::kExclusive);
  if (inode == 0 || inode_at(path) != inode) return false;
  // The log goes first: left behind, SQLite would play it into the new file.
  ::unlink((path + "-wal").c_str());
  ::unlink((path + "-shm").c_str());
  return ::rename(path.c_str(), (path + ".corrupt").c_str()) == 0;
}

void pause_for_others() { ::poll(nullptr, 0, kPauseForOthersMs); }

void keep_log(const Database& db) {
  int keep = 1;
  sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

}  // namespace docmind::cache
