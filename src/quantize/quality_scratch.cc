// ScratchFile: a file without a name, for what does not fit into memory.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_scratch.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::quantize {
namespace {

Result<std::string> scratch_folder(const std::string& folder) {
  if (!folder.empty()) return folder;
  std::error_code code;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path(code);
  if (!code) return temporary.string();
  return Error{ErrorCode::kIo, fmt::format("there is no folder for temporary files: {}", code.message())};
}

Status check_scratch_room(const std::string& folder, int64_t n_bytes) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return errno_error("use the scratch folder", folder, errno);
  const double free_bytes = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  if (static_cast<double>(n_bytes) <= free_bytes) return {};
  return Error{ErrorCode::kIo, fmt::format("the logits of the source take {}, but '{}' has {} free; name another "
                                           "scratch folder or measure fewer tokens",
                                           format_bytes(n_bytes), printable(folder),
                                           format_bytes(static_cast<int64_t>(free_bytes)))};
}

}  // namespace

Result<ScratchFile> ScratchFile::create(const std::string& folder, int64_t n_bytes) {
  DM_ASSIGN(std::string place, scratch_folder(folder));
  DM_TRY(check_scratch_room(place, n_bytes));
  std::string path = join_path(place, ".docmind-scratch-XXXXXX");
  UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd.valid()) return errno_error("create a scratch file in", place, errno);
  if (::unlink(path.c_str()) != 0) return errno_error("remove the name of", path, errno);
  return ScratchFile(std::move(fd), std::move(place), n_bytes);
}

Status ScratchFile::write(int64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int err = n < 0 ? errno : ENOSPC;
      return Error{ErrorCode::kIo,
                   fmt::format("cannot write the logits of the source to '{}' at {} of {}: {}", printable(folder_),
                               format_bytes(offset), format_bytes(n_wanted_), std::strerror(err))};
    }
    offset += n;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status ScratchFile::read(int64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read the scratch file in", folder_, errno);
    if (n == 0) {
      return Error{ErrorCode::kIo, fmt::format("the scratch file in '{}' ends at byte {}, {} before what is wanted",
                                               printable(folder_), offset, format_bytes(std::ssize(out)))};
    }
    offset += n;
    out = out.subspan(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace docmind::quantize
