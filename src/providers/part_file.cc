// PartFile: what has arrived of a download, with its hash, its lock and where it came from.
// SPDX-License-Identifier: Apache-2.0
#include "providers/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr int64_t kMaxOriginBytes = 64 << 10;

std::string json_text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Result<PartFile> PartFile::open(const std::string& path) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd.valid()) return errno_error("open", path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return errno_error("lock", path, errno);
      return Error{
          ErrorCode::kBusy,
          fmt::format("another process is writing to '{}'; wait until it has finished", printable(path))};
    }
    // Its owner may have moved it into place between our opening and locking.
    struct stat ours {}, named {};
    if (::fstat(fd.get(), &ours) != 0) return errno_error("stat", path, errno);
    if (::stat(path.c_str(), &named) != 0 || named.st_ino != ours.st_ino) continue;
    PartFile part(path, std::move(fd));
    part.size_ = ours.st_size;
    DM_TRY(part.load());
    return part;
  }
}

Status PartFile::load() {
  const Result<std::string> text = read_file(origin_path(), kMaxOriginBytes);
  if (!text.ok()) return {};  // then nothing is known, and the download starts anew
  const Result<json::value> value = parse_json(*text, 4, kMaxOriginBytes);
  if (!value.ok() || !value->is_object()) return {};
  const json::object& object = value->as_object();
  origin_.url = json_text(object, "url");
  origin_.etag = json_text(object, "etag");
  origin_.sha256 = json_text(object, "sha256");
  if (const json::value* total = object.if_contains("total_bytes"); total != nullptr && total->is_int64()) {
    origin_.n_total = total->as_int64();
  }
  return {};
}

Status PartFile::hash_existing(const CancelToken& cancel, const std::function<void(int64_t)>& on_piece) {
  std::vector<char> piece(kPieceBytes);
  for (int64_t done = 0; done < size_;) {
    if (cancel.cancelled())
      return Error{ErrorCode::kCancelled, "the download was stopped; the same command goes on from there"};
    const auto wanted = std::min<int64_t>(kPieceBytes, size_ - done);
    const ssize_t n = ::pread(fd_.get(), piece.data(), static_cast<size_t>(wanted), done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path_, errno);
    if (n == 0)
      return Error{ErrorCode::kIo, fmt::format("'{}' became shorter while it was read", printable(path_))};
    hasher_->add({piece.data(), static_cast<size_t>(n)});
    done += n;
    on_piece(done);
  }
  return {};
}

Status PartFile::restart() {
  if (::ftruncate(fd_.get(), 0) != 0) return errno_error("empty", path_, errno);
  size_ = 0;
  hasher_ = std::make_unique<StreamHasher>();
  return {};
}

Status PartFile::set_origin(PartOrigin origin) {
  if (origin == origin_) return {};
  const json::object object{{"url", origin.url}, {"etag", origin.etag}, {"sha256", origin.sha256},
                            {"total_bytes", origin.n_total}};
  DM_TRY(write_file_atomic(origin_path(), to_string_pretty(object) + "\n"));
  origin_ = std::move(origin);
  return {};
}

Status PartFile::append(std::string_view piece) {
  hasher_->add(piece);
  while (!piece.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), piece.data(), piece.size(), size_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Error error = errno_error("write", path_, errno);
      error.message += "; make room on the disk and run the same command again, it goes on from here";
      return error;
    }
    piece.remove_prefix(static_cast<size_t>(n));
    size_ += n;
  }
  return {};
}

Status PartFile::move_to(const std::string& path) {
  if (::fsync(fd_.get()) != 0) return errno_error("flush", path_, errno);
  if (::rename(path_.c_str(), path.c_str()) != 0) return errno_error("replace", path, errno);
  ::unlink(origin_path().c_str());
  return {};
}

void PartFile::discard() {
  ::unlink(path_.c_str());
  ::unlink(origin_path().c_str());
}

}  // namespace docmind::providers
