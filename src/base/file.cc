// Files: owned descriptors, bounded reads, atomic replacement, advisory locks.
// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

namespace docmind {
namespace {

FileStamp stamp_of(const struct stat& st) {
  constexpr int64_t kNsPerS = 1'000'000'000;
  return FileStamp{.size_bytes = st.st_size,
                   .mtime_ns = st.st_mtim.tv_sec * kNsPerS + st.st_mtim.tv_nsec,
                   .ctime_ns = st.st_ctim.tv_sec * kNsPerS + st.st_ctim.tv_nsec,
                   .inode = st.st_ino};
}

Error not_regular(const std::string& path) {
  return Error{ErrorCode::kUnsupported, "'" + path + "' is not a regular file"};
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<FileStamp> stat_regular_file(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) return errno_error("stat", path, errno);
  if (!S_ISREG(st.st_mode)) return not_regular(path);
  return stamp_of(st);
}

Result<std::string> read_file(const std::string& path, int64_t limit_bytes) {
  // O_NONBLOCK: opening a FIFO must not hang; regular files ignore it.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ELOOP) {
      return Error{ErrorCode::kUnsupported, "'" + path + "' is a symbolic link"};
    }
    return errno_error("open", path, errno);
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return errno_error("stat", path, errno);
  if (!S_ISREG(st.st_mode)) return not_regular(path);
  if (st.st_size > limit_bytes) {
    return Error{ErrorCode::kLimit, "'" + path + "' has " + std::to_string(st.st_size) +
                                        " bytes, more than the limit of " +
                                        std::to_string(limit_bytes)};
  }
  std::string bytes;
  bytes.resize(static_cast<size_t>(st.st_size));
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::read(fd.get(), bytes.data() + got, bytes.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path, errno);
    if (n == 0) break;  // the file shrank while we read it
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

Status write_file_atomic(const std::string& path, std::string_view bytes) {
  const std::string tmp = path + ".tmp." + std::to_string(::getpid());
  UniqueFd fd(::open(tmp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno_error("create", tmp, errno);
  Status written = write_all(fd.get(), bytes, tmp);
  if (written.ok() && ::fsync(fd.get()) != 0) written = errno_error("flush", tmp, errno);
  fd.reset();
  if (written.ok() && ::rename(tmp.c_str(), path.c_str()) != 0) {
    written = errno_error("replace", path, errno);
  }
  if (!written.ok()) ::unlink(tmp.c_str());
  return written;
}

Status create_private_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid() && errno != EEXIST) return errno_error("create", path, errno);
  return {};
}

std::string join_path(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && path.back() != '/') path.push_back('/');
  return path.append(name);
}

Status make_folders(const std::string& path) {
  std::string partial;
  for (const auto& part : std::filesystem::path(path)) {
    partial = partial.empty() ? part.string() : (std::filesystem::path(partial) / part).string();
    if (partial.empty() || partial == "/") continue;
    if (::mkdir(partial.c_str(), 0700) != 0 && errno != EEXIST) {
      return errno_error("create folder", partial, errno);
    }
  }
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return errno_error("stat", path, errno);
  if (!S_ISDIR(st.st_mode)) {
    return Error{ErrorCode::kInvalidArgument, "'" + path + "' exists and is not a folder"};
  }
  return {};
}

namespace {

int holder_pid(int fd) {
  char text[16] = {};
  const ssize_t n = ::pread(fd, text, sizeof(text) - 1, 0);
  int pid = 0;
  if (n > 0) std::from_chars(text, text + n, pid);
  return pid;
}

void write_pid(int fd) {
  const std::string text = std::to_string(::getpid()) + "\n";
  // The pid only makes the message better; a failed write does not weaken the lock.
  if (::ftruncate(fd, 0) == 0) {
    [[maybe_unused]] const ssize_t n = ::pwrite(fd, text.data(), text.size(), 0);
  }
}

std::string holder_name(int pid) {
  return pid > 0 ? "process " + std::to_string(pid) : std::string("another process");
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path, const LockOptions& options) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno_error("open lock file", path, errno);
  constexpr int kPollMs = 50;
  for (int waited_ms = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; waited_ms += kPollMs) {
    const int pid = holder_pid(fd.get());
    if (waited_ms >= options.wait_ms) {
      return Error{ErrorCode::kBusy, holder_name(pid) + " holds '" + path +
                                         "' and did not release it within " +
                                         std::to_string(options.wait_ms) +
                                         " ms; try again when it has finished"};
    }
    if (waited_ms == 0) options.on_wait(pid);
    if (options.cancel.cancelled()) {
      return Error{ErrorCode::kCancelled,
                   "stopped while waiting for " + holder_name(pid) + ", which holds '" + path + "'"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  write_pid(fd.get());
  return FileLock(std::move(fd));
}

}  // namespace docmind
