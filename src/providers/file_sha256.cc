// SHA-256 of large files, and the record of it beside them.
// SPDX-License-Identifier: Apache-2.0
#include "providers/file_sha256.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

constexpr size_t kSha256Digits = 64;

std::string record_path(const std::string& path) { return path + ".sha256"; }

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == kSha256Digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status record_sha256(const std::string& path, const std::string& sha256) {
  const std::string name = std::filesystem::path(path).filename().string();
  return write_file_atomic(record_path(path), fmt::format("{}  {}\n", sha256, name));
}

Result<std::string> recorded_sha256(const std::string& path) {
  constexpr int64_t kMaxRecordBytes = 8 << 10;
  Result<std::string> text = read_file(record_path(path), kMaxRecordBytes);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return std::string();
  if (!text.ok()) return std::move(text).error();
  std::string digest = text->substr(0, kSha256Digits);
  if (is_sha256(digest) && (text->size() == digest.size() || (*text)[digest.size()] == ' ')) return digest;
  return Error{ErrorCode::kMalformed, fmt::format("'{}' holds no SHA-256", printable(record_path(path)))};
}

Result<std::string> sha256_of_file(const std::string& path, const CancelToken& cancel,
                                   const std::function<void(int64_t done, int64_t total)>& progress) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("open", path, errno);
  const int64_t total = ::lseek(fd.get(), 0, SEEK_END);
  StreamHasher hasher;
  std::vector<char> piece(1 << 20);
  for (int64_t done = 0;;) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "stopped while reading '" + path + "'"};
    const ssize_t n = ::pread(fd.get(), piece.data(), piece.size(), done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path, errno);
    if (n == 0) return to_hex(hasher.finish());
    hasher.add({piece.data(), static_cast<size_t>(n)});
    done += n;
    if (progress) progress(done, total);
  }
}

}  // namespace docmind::providers
