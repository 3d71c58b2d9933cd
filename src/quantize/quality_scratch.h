// ScratchFile: a file without a name, for what does not fit into memory; it goes with the process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace docmind::quantize {

// One thread at a time.
class ScratchFile {
 public:
  // In `folder` (empty: the system's for temporary files), for `n_bytes` in all: kIo names the folder, what is wanted
  // and what is free when it has no room for them.
  static Result<ScratchFile> create(const std::string& folder, int64_t n_bytes);

  // Adds to the end. kIo names the folder and what was to be written.
  [[nodiscard]] Status append(std::span<const std::byte> bytes);
  // kIo when the file ends before `out` is full.
  [[nodiscard]] Status read(int64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] int64_t size_bytes() const { return size_bytes_; }

 private:
  ScratchFile(UniqueFd fd, std::string folder, int64_t n_wanted)
      : fd_(std::move(fd)), folder_(std::move(folder)), n_wanted_(n_wanted) {}

  UniqueFd fd_;
  std::string folder_;
  int64_t n_wanted_ = 0;
  int64_t size_bytes_ = 0;
};

}  // namespace docmind::quantize
