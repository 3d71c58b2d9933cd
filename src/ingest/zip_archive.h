// ZipArchive: bounded reading of the entries of a zip file that lies in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ingest/reader.h"

struct archive;  // of libarchive

namespace docmind::ingest {

// Bounds the bytes unpacked over its lifetime by `limits.max_archive_bytes`, and the growth of each
// entry, so that a zip bomb ends in kLimit. One thread; `bytes` is borrowed.
class ZipArchive {
 public:
  ZipArchive(std::string_view bytes, const ReadLimits& limits)
      : bytes_(bytes), max_unpacked_(limits.max_archive_bytes) {}

  // What to do with an entry when its name is known.
  enum class Visit { kSkip, kRead, kStop };
  using OnEntry = std::function<Visit(std::string_view name)>;
  // Gets the entry's bytes piece by piece; an error ends the walk and is handed on.
  using OnData = std::function<Status(std::string_view piece)>;
  // Called after the last piece of an entry that was read.
  using OnEnd = std::function<Status()>;

  // Walks the entries in the archive's order. kMalformed for damaged or truncated archives,
  // kUnsupported for encrypted entries, kLimit for bombs.
  Status walk(const OnEntry& on_entry, const OnData& on_data, const OnEnd& on_end);

 private:
  Status read_entry(::archive* reader, std::string_view name, const OnData& on_data);

  std::string_view bytes_;
  int64_t max_unpacked_;
  int64_t unpacked_ = 0;
};

}  // namespace docmind::ingest
