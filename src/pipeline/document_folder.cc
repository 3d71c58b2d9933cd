// DocumentFolder: the files that clients uploaded into one collection.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/document_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "ingest/reader.h"

namespace docmind::pipeline {
namespace {

constexpr size_t kHashDigits = 16;
constexpr size_t kMaxNameBytes = 100;
constexpr size_t kCopyBytes = 1 << 16;

bool is_safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

Error unknown_extension(std::string_view name) {
  const size_t dot = name.rfind('.');
  const std::string what = dot == std::string_view::npos || dot == 0
                               ? "it has no extension"
                               : fmt::format("nothing here reads '{}'", name.substr(dot));
  return Error{ErrorCode::kUnsupported,
               fmt::format("'{}' cannot be added: {}; known are .txt, .md, .rst, .adoc, .org, .tex, .log, .csv, .tsv, "
                           ".html, .xhtml, .pdf and .docx",
                           ellipsize(printable(name), kMaxNameBytes), what)};
}

Result<UniqueFd> open_file(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return errno_error("open", path, errno);
  return file;
}

Result<std::string> hash_file(const UniqueFd& file, const std::string& path) {
  StreamHasher hasher;
  std::vector<char> buffer(kCopyBytes);
  while (true) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path, errno);
    if (n == 0) return to_hex(hasher.finish()).substr(0, kHashDigits);
    hasher.add({buffer.data(), static_cast<size_t>(n)});
  }
}

// The folder's descriptor; it is made if it is not there, and is no link.
Result<UniqueFd> open_folder_at(const UniqueFd& parent, const std::string& name) {
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) return errno_error("create", name, errno);
  UniqueFd folder(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return errno_error("open", name, errno);
  return folder;
}

Status copy_to(const UniqueFd& from, const UniqueFd& folder, const std::string& name) {
  const std::string part = "." + name + ".part";
  UniqueFd to(::openat(folder.get(), part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to.valid()) return errno_error("create", part, errno);
  if (::lseek(from.get(), 0, SEEK_SET) != 0) return errno_error("read", name, errno);
  std::vector<char> buffer(kCopyBytes);
  while (true) {
    const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", name, errno);
    if (n == 0) break;
    for (ssize_t done = 0; done < n;) {
      const ssize_t written = ::write(to.get(), buffer.data() + done, static_cast<size_t>(n - done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno_error("write", part, errno);
      done += written;
    }
  }
  if (::fsync(to.get()) != 0) return errno_error("write", part, errno);
  const int renamed = ::renameat(folder.get(), part.c_str(), folder.get(), name.c_str());
  if (renamed != 0) return errno_error("create", name, errno);
  return {};
}

// Within one file system the bytes stay where they are.
Status move_to(const std::string& spooled_path, const UniqueFd& file, const UniqueFd& folder,
               const std::string& name) {
  if (::fsync(file.get()) != 0) return errno_error("write", spooled_path, errno);
  if (::renameat(AT_FDCWD, spooled_path.c_str(), folder.get(), name.c_str()) != 0) {
    if (errno != EXDEV) return errno_error("move", spooled_path, errno);
    DM_TRY(copy_to(file, folder, name));
    ::unlink(spooled_path.c_str());
  }
  if (::fsync(folder.get()) != 0) return errno_error("write", name, errno);
  return {};
}

bool is_hash(std::string_view name) {
  return name.size() == kHashDigits && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<std::string> safe_file_name(std::string_view name) {
  const size_t separator = name.find_last_of("/\\");
  const std::string_view last = separator == std::string_view::npos ? name : name.substr(separator + 1);
  std::string safe;
  for (const char c : last) {
    if (is_safe(c)) safe.push_back(c);
    else if (!safe.ends_with('_')) safe.push_back('_');
  }
  const size_t first = safe.find_first_not_of('.');
  safe.erase(0, first == std::string::npos ? safe.size() : first);
  const size_t dot = safe.rfind('.');
  if (dot == std::string::npos || dot == 0) return unknown_extension(last);
  const std::string extension = safe.substr(dot);
  std::string stem = safe.substr(0, dot);
  if (extension.size() >= kMaxNameBytes / 2 || !ingest::has_known_extension(safe)) return unknown_extension(last);
  stem.resize(std::min(stem.size(), kMaxNameBytes - extension.size()));
  return stem + extension;
}

Result<DocumentFolder::Stored> DocumentFolder::add(std::string_view name, const std::string& spooled_path,
                                                   int64_t max_bytes) const {
  DM_ASSIGN(const std::string safe, safe_file_name(name));
  DM_ASSIGN(const FileStamp stamp, stat_regular_file(spooled_path));
  if (stamp.size_bytes == 0) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is empty", safe)};
  }
  if (stamp.size_bytes > max_bytes) {
    return Error{ErrorCode::kLimit, fmt::format("'{}' has {}, more than index.max_file_mib allows ({})", safe,
                                                format_bytes(stamp.size_bytes), format_bytes(max_bytes))};
  }
  DM_ASSIGN(const UniqueFd file, open_file(spooled_path));
  DM_ASSIGN(const std::string hash, hash_file(file, spooled_path));
  DM_TRY(make_folders(folder_));
  const UniqueFd root(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return errno_error("open", folder_, errno);
  DM_ASSIGN(const UniqueFd folder, open_folder_at(root, hash));
  Stored stored{.path = join_path(join_path(folder_, hash), safe), .size_bytes = stamp.size_bytes};
  if (stat_regular_file(stored.path).ok()) {
    ::unlink(spooled_path.c_str());
    stored.is_new = false;
    return stored;
  }
  DM_TRY(move_to(spooled_path, file, folder, safe));
  if (::fsync(root.get()) != 0) return errno_error("write", folder_, errno);
  return stored;
}

bool DocumentFolder::contains(std::string_view path) const {
  if (!path.starts_with(folder_) || path.size() <= folder_.size() || path[folder_.size()] != '/') return false;
  const std::string_view rest = path.substr(folder_.size() + 1);
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || !is_hash(rest.substr(0, slash))) return false;
  const std::string_view name = rest.substr(slash + 1);
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), is_safe);
}

Status DocumentFolder::remove(const std::string& path) const {
  if (!contains(path)) {
    return Error{ErrorCode::kPermission,
                 fmt::format("'{}' was not uploaded, so it is not removed here; delete the file itself, or leave it "
                             "out with index.exclude",
                             printable(path))};
  }
  const std::string hash = path.substr(folder_.size() + 1, kHashDigits);
  const std::string name = path.substr(folder_.size() + 1 + kHashDigits + 1);
  const UniqueFd root(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return errno == ENOENT ? Status() : Status(errno_error("open", folder_, errno));
  const UniqueFd folder(::openat(root.get(), hash.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return errno == ENOENT ? Status() : Status(errno_error("open", hash, errno));
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT) return errno_error("delete", path, errno);
  // Another name of the same bytes may be left in it.
  ::unlinkat(root.get(), hash.c_str(), AT_REMOVEDIR);
  return {};
}

std::vector<std::string> DocumentFolder::files() const {
  std::vector<std::string> paths;
  std::error_code failure;
  for (const auto& folder : std::filesystem::directory_iterator(folder_, failure)) {
    const bool is_folder = folder.symlink_status(failure).type() == std::filesystem::file_type::directory;
    if (!is_folder || !is_hash(folder.path().filename().string())) continue;
    for (const auto& file : std::filesystem::directory_iterator(folder.path(), failure)) {
      std::string path = file.path().string();
      if (contains(path) && stat_regular_file(path).ok()) paths.push_back(std::move(path));
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace docmind::pipeline
