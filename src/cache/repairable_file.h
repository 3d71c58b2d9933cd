// RepairableFile: an SQLite file whose content can be made again: opened, repaired, opened anew.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sqlite.h"

namespace docmind::cache {

// What an SQLite file must say of itself, and the SQL that makes an empty one say it.
struct SchemaSpec {
  std::string_view name;  // in messages: "answer directory"
  int application_id = 0;
  int version = 0;
  std::string create;
};

// A file of that schema, ready for statements.
struct SchemaFile {
  Database db;
  uint64_t inode = 0;  // of the file that was opened, to notice that another one stands in its place
  int64_t page_bytes = 0;
};

// Opens or creates the file with mode 0600; calls on it wait at most about a second for another process.
// Rows larger than `max_row_bytes` are errors when they are read, whatever the file says. kMismatch, the
// file unchanged, when it belongs to another application or version; kMalformed when it is damaged.
[[nodiscard]] Result<SchemaFile> open_schema_file(const std::string& path, const SchemaSpec& spec,
                                                  int64_t max_row_bytes);

// The inode at `path`; 0 when no regular file is there.
[[nodiscard]] uint64_t inode_at(const std::string& path);

// A lock on the folder of `path`, shared by those who open or close the file and exclusive to one who
// renames it: SQLite finds a log by its name, so that a file opened or closed while it is renamed would take
// the log of its successor for its own. Waits about a second at most, then goes without; so it does where
// folders cannot be locked.
class FolderLock {
 public:
  enum class Kind { kShared, kExclusive };
  FolderLock(const std::string& path, Kind kind);

 private:
  UniqueFd folder_;
};

// Renames the damaged file `inode` at `path` to PATH.corrupt and removes its log. False: somebody else has
// replaced it meanwhile.
[[nodiscard]] bool set_aside_file(const std::string& path, uint64_t inode);

// A moment in which another process may finish what it does to a file.
void pause_for_others();

// Leaves the log of a file that was renamed alone when `db` closes: SQLite removes a log by its name, and
// under that name stands the log of the new file by then.
void keep_log(const Database& db);

// Holds a `Connection` with `db()` and `inode()` as long as the file at its path is the one it has open
// and is sound. Use from one thread at a time; several processes, and several objects in one, may share a
// file.
template <typename Connection>
class RepairableFile {
 public:
  using Open = std::function<Result<std::unique_ptr<Connection>>(const std::string& path)>;

  // `name` is what messages call it: "the answer directory".
  RepairableFile(std::string path, std::string name, Open open)
      : path_(std::move(path)), name_(std::move(name)), open_(std::move(open)) {}
  ~RepairableFile() { close(); }
  RepairableFile(const RepairableFile&) = delete;
  RepairableFile& operator=(const RepairableFile&) = delete;

  // Opens the file; a damaged one is set aside and a new one begun.
  [[nodiscard]] Status connect();

  // Runs `call(Connection&)` on the file that stands at the path now. When the call meets damage, or the
  // file was replaced under it, it runs once more on a fresh connection; it must leave nothing behind when
  // it fails.
  template <typename Call>
  auto use(Call&& call) -> decltype(call(std::declval<Connection&>()));

  // What was repaired since the last call, a sentence for the user; empty: nothing.
  [[nodiscard]] std::string take_warning() { return std::exchange(warning_, {}); }
  // Differs once another file may be open than before.
  [[nodiscard]] int64_t n_connects() const { return n_connects_; }

 private:
  static constexpr int kTries = 3;
  static constexpr double kMaxConnectMs = 1'000;

  [[nodiscard]] std::string in_words() const { return name_ + " '" + path_ + "'"; }
  [[nodiscard]] bool replaced() const {
    return connection_ != nullptr && inode_at(path_) != connection_->inode();
  }
  void close() {
    if (connection_ == nullptr) return;
    const FolderLock lock(path_, FolderLock::Kind::kShared);
    if (replaced()) keep_log(connection_->db());
    connection_.reset();
  }
  Result<std::unique_ptr<Connection>> open() const {
    const FolderLock lock(path_, FolderLock::Kind::kShared);
    return open_(path_);
  }
  void set_aside(uint64_t inode, const Error& why) {
    if (!set_aside_file(path_, inode)) return;
    warning_ = name_ + " was damaged (" + why.message + "); the file is kept as '" + path_ +
               ".corrupt' and a new one was begun";
  }

  const std::string path_;
  const std::string name_;
  const Open open_;
  std::unique_ptr<Connection> connection_;  // null after a failure, until the next call
  std::string warning_;
  int64_t n_connects_ = 0;
};

template <typename Connection>
Status RepairableFile<Connection>::connect() {
  close();
  const Stopwatch waited;
  for (int attempt = 1;; ++attempt) {
    const uint64_t inode = inode_at(path_);
    Result<std::unique_ptr<Connection>> opened = open();
    if (opened.ok()) {
      connection_ = *std::move(opened);
      ++n_connects_;
      return {};
    }
    Error error = std::move(opened).error();
    // While another process makes a new file, SQLite gives up without waiting.
    const bool in_work = error.code == ErrorCode::kBusy || inode_at(path_) != inode;
    const bool again = attempt < kTries || (in_work && waited.elapsed_ms() < kMaxConnectMs);
    const bool damaged = error.code == ErrorCode::kMalformed;
    if (!again || !(in_work || damaged || error.code == ErrorCode::kIo)) {
      return std::move(error).with_context(in_words());
    }
    if (damaged) {
      set_aside(inode, error);  // the next try fails if that did
    } else {
      pause_for_others();
    }
  }
}

template <typename Connection>
template <typename Call>
auto RepairableFile<Connection>::use(Call&& call) -> decltype(call(std::declval<Connection&>())) {
  for (int attempt = 1;; ++attempt) {
    if (connection_ == nullptr || replaced()) DM_TRY(connect());
    auto result = call(*connection_);
    if (result.ok()) return result;
    const ErrorCode code = result.error().code;
    const bool damaged = code == ErrorCode::kMalformed;
    // An internal error is, for one, a table that is missing by now: opening tells.
    const bool again = replaced() || damaged || code == ErrorCode::kInternal;
    if (again) {
      const uint64_t inode = connection_->inode();
      close();
      if (damaged) set_aside(inode, result.error());
    }
    if (!again || attempt == 2) return std::move(result).error().with_context(in_words());
  }
}

}  // namespace docmind::cache
