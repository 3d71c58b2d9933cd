// Files: owned descriptors, bounded reads, atomic replacement, advisory locks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind {

// Owns a file descriptor; closes it on destruction. Move-only.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// What tells one version of a file from another without reading it.
struct FileStamp {
  int64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;  // changes on every write and on every attempt to set mtime back
  uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

// lstat of `path`; kUnsupported unless it is a regular file (links are not followed).
Result<FileStamp> stat_regular_file(const std::string& path);

// Reads a whole regular file without following a final symbolic link. A file larger than
// `limit_bytes` is kLimit and nothing of it is read; devices, pipes and folders are kUnsupported.
Result<std::string> read_file(const std::string& path, int64_t limit_bytes);

// Writes through a temporary file, fsync and rename, so a reader sees the old or the new bytes.
Status write_file_atomic(const std::string& path, std::string_view bytes);

// Creates an empty file with mode 0600 unless something is there already; an existing file is never
// opened (closing it would drop the locks that SQLite holds on it in this process).
Status create_private_file(const std::string& path);

// "folder/name"; only `name` when there is no folder.
[[nodiscard]] std::string join_path(std::string_view folder, std::string_view name);

// Creates the folder and its parents (mode 0700 for new ones).
Status make_folders(const std::string& path);

struct LockOptions {
  int wait_ms = 0;
  // Called once, before waiting, with the process that holds the lock; 0 when unknown.
  std::function<void(int pid)> on_wait = [](int) {};
  CancelToken cancel = {};  // ends the waiting
};

// An exclusive advisory lock on a file, held until destruction; the file holds the owner's pid.
class FileLock {
 public:
  // kBusy names the process that holds the lock, kCancelled says what was waited for.
  static Result<FileLock> acquire(const std::string& path, const LockOptions& options = {});

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace docmind
