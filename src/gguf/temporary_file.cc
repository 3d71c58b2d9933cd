// TemporaryFile: a file that is written beside its destination and moved there when it is whole.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/temporary_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::gguf {
namespace {

constexpr std::string_view kMark = ".tmp.";

// The process in "<stem>.tmp.<pid>"; 0 when the name has not this form.
pid_t owner_of(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem) || !name.substr(stem.size()).starts_with(kMark)) return 0;
  const std::string_view digits = name.substr(stem.size() + kMark.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return error == std::errc() && end == digits.data() + digits.size() && pid > 0 ? pid : 0;
}

// The process is gone, and nobody, in another container perhaps, holds the lock.
bool is_abandoned(const std::string& path, pid_t owner) {
  if (owner == ::getpid() || ::kill(owner, 0) == 0 || errno != ESRCH) return false;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

// A folder that cannot be listed only keeps what lies in it.
void remove_abandoned(const std::string& destination) {
  const std::filesystem::path path(destination);
  const std::string stem = path.filename().string();
  std::error_code error;
  std::filesystem::directory_iterator entries(path.has_parent_path() ? path.parent_path() : ".", error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string found = entries->path().string();
    const pid_t owner = owner_of(entries->path().filename().string(), stem);
    if (owner != 0 && is_abandoned(found, owner)) ::unlink(found.c_str());
  }
}

template <typename Write>
Status write_whole(std::string_view bytes, const std::string& path, const Write& write) {
  while (!bytes.empty()) {
    const ssize_t n = write(bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

TemporaryFile::TemporaryFile(std::string destination, std::string path, UniqueFd fd)
  : destination_(std::move(destination)), path_(std::move(path)), fd_(std::move(fd)) {}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
  : destination_(std::move(other.destination_)), path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept {
  std::swap(destination_, other.destination_);
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<TemporaryFile> TemporaryFile::create(const std::string& destination) {
  remove_abandoned(destination);
  std::string path = fmt::format("{}{}{}", destination, kMark, ::getpid());
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return errno_error("create", path, errno);
  // A file system without locks only keeps what a killed process left.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return Error{ErrorCode::kBusy, fmt::format("'{}' is being written already", printable(destination))};
  }
  // An earlier process of this number may have left something.
  if (::ftruncate(fd.get(), 0) != 0) return errno_error("empty", path, errno);
  return TemporaryFile(destination, std::move(path), std::move(fd));
}

Status TemporaryFile::append(std::string_view bytes) {
  return write_whole(bytes, path_, [&](std::string_view left) { return ::write(fd_.get(), left.data(), left.size()); });
}

Status TemporaryFile::overwrite(uint64_t offset, std::string_view bytes) {
  return write_whole(bytes, path_, [&](std::string_view left) {
    const ssize_t n = ::pwrite(fd_.get(), left.data(), left.size(), static_cast<off_t>(offset));
    if (n > 0) offset += static_cast<uint64_t>(n);
    return n;
  });
}

Status TemporaryFile::publish() {
  if (::fsync(fd_.get()) != 0) return errno_error("flush", path_, errno);
  if (::rename(path_.c_str(), destination_.c_str()) != 0) return errno_error("replace", destination_, errno);
  path_.clear();
  fd_.reset();
  return {};
}

}  // namespace docmind::gguf
