// Checks of a place that a file is to be written to, before any work.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/destination.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "gguf/split_name.h"

namespace docmind::quantize {
namespace {

std::vector<std::string> files_of(const std::string& source) {
  const auto split = gguf::parse_split_name(source);
  if (!split) return {source};
  std::vector<std::string> files;
  for (uint32_t i = 1; i <= split->count; ++i) files.push_back(split->path(i));
  return files;
}

Error refused(const std::string& destination, std::string_view why) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' {}", printable(destination), why)};
}

}  // namespace

Status check_destination(const std::string& source, const std::string& destination, bool overwrite) {
  if (destination.empty()) return Error{ErrorCode::kInvalidArgument, "the file to write has no name"};
  std::error_code error;
  const auto status = std::filesystem::status(destination, error);
  if (!std::filesystem::exists(status)) return {};
  if (!std::filesystem::is_regular_file(status)) return refused(destination, "exists and is no regular file");
  for (const std::string& file : files_of(source)) {
    if (std::filesystem::equivalent(file, destination, error)) {
      return refused(destination, "is the source itself; choose another name for the smaller file");
    }
  }
  if (!overwrite) return refused(destination, "exists already; choose another name, or allow it to be overwritten");
  return {};
}

Status check_room(const std::string& destination, size_t n_bytes) {
  std::string folder = std::filesystem::path(destination).parent_path().string();
  if (folder.empty()) folder = ".";
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return errno_error("look at the folder", folder, errno);
  const auto n_free = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  if (n_free >= n_bytes) return {};
  return Error{ErrorCode::kIo, fmt::format("'{}' needs {}, and the disk of '{}' has {} left", printable(destination),
                                           format_bytes(static_cast<int64_t>(n_bytes)), printable(folder),
                                           format_bytes(static_cast<int64_t>(n_free)))};
}

}  // namespace docmind::quantize
