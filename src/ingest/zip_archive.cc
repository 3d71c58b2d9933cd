// ZipArchive: bounded reading of the entries of a zip file that lies in memory.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/zip_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>

namespace docmind::ingest {
namespace {

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};

Error damaged(archive* a, std::string_view name) {
  const char* why = archive_error_string(a);
  std::string message = "the archive is damaged or truncated";
  if (!name.empty()) message.append(" in '").append(name.substr(0, 200)).append("'");
  if (why != nullptr) message.append(": ").append(why);
  return Error{ErrorCode::kMalformed, std::move(message)};
}

}  // namespace

Status ZipArchive::walk(const OnEntry& on_entry, const OnData& on_data, const OnEnd& on_end) {
  constexpr int kMaxEntries = 100'000;
  const std::unique_ptr<archive, FreeArchive> reader(archive_read_new());
  if (reader == nullptr) return Error{ErrorCode::kLimit, "no memory for the archive reader"};
  archive_read_support_format_zip(reader.get());
  if (archive_read_open_memory(reader.get(), bytes_.data(), bytes_.size()) != ARCHIVE_OK) {
    return damaged(reader.get(), {});
  }
  for (int n_entries = 0;; ++n_entries) {
    archive_entry* entry = nullptr;
    const int header = archive_read_next_header(reader.get(), &entry);
    if (header == ARCHIVE_EOF) return {};
    if (header < ARCHIVE_WARN) return damaged(reader.get(), {});
    if (n_entries >= kMaxEntries) {
      return Error{ErrorCode::kLimit, "the archive has more than the limit of " +
                                          std::to_string(kMaxEntries) + " entries"};
    }
    const char* path = archive_entry_pathname_utf8(entry);
    const std::string name(path == nullptr ? "" : path);
    const Visit visit = on_entry(name);
    if (visit == Visit::kStop) return {};
    if (visit == Visit::kSkip) continue;
    if (archive_entry_is_data_encrypted(entry) != 0) {
      return Error{ErrorCode::kUnsupported, "the archive is encrypted; save a copy without a password"};
    }
    DM_TRY(read_entry(reader.get(), name, on_data));
    DM_TRY(on_end());
  }
}

Status ZipArchive::read_entry(::archive* a, std::string_view name, const OnData& on_data) {
  // Office files compress by 10 to 50; a growth beyond this is a bomb, not a document.
  constexpr int64_t kMaxGrowth = 200;
  constexpr int64_t kFreeBytes = 16 << 20;
  const int64_t max_entry = std::max(kFreeBytes, kMaxGrowth * static_cast<int64_t>(bytes_.size()));
  int64_t entry_bytes = 0;
  std::string buffer(64 << 10, '\0');
  while (true) {
    const la_ssize_t n = archive_read_data(a, buffer.data(), buffer.size());
    if (n == 0) return {};
    if (n < 0) return damaged(a, name);
    entry_bytes += n;
    unpacked_ += n;
    if (unpacked_ > max_unpacked_) {
      return Error{ErrorCode::kLimit, "the archive unpacks to more than the limit of " +
                                          std::to_string(max_unpacked_) + " bytes"};
    }
    if (entry_bytes > max_entry) {
      return Error{ErrorCode::kLimit, "an entry of the archive unpacks to more than " +
                                          std::to_string(kMaxGrowth) + " times the file's " +
                                          std::to_string(bytes_.size()) + " bytes"};
    }
    DM_TRY(on_data({buffer.data(), static_cast<size_t>(n)}));
  }
}

}  // namespace docmind::ingest
