// ScratchFile: a file without a name, for what does not fit into memory; it goes with the process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace docmind::quantize {

// Different places may be written and read by several threads.
class ScratchFile {
 public:
  // In `folder` (empty: the system's for temporary files), for `n_bytes` in all: kIo names the folder, what is wanted
  // and what is free when it has no room for them.
  static Result<ScratchFile> create(const std::string& folder, int64_t n_bytes);

  // kIo names the folder, the place and what was to be written in all.
  [[nodiscard]] Status write(int64_t offset, std::span<const std::byte> bytes) const;
  // kIo when the file ends before `out` is full.
  [[nodiscard]] Status read(int64_t offset, std::span<std::byte> out) const;

 private:
  ScratchFile(UniqueFd fd, std::string folder, int64_t n_wanted)
      : fd_(std::move(fd)), folder_(std::move(folder)), n_wanted_(n_wanted) {}

  UniqueFd fd_;
  std::string folder_;
  int64_t n_wanted_ = 0;
};

}  // namespace docmind::quantize
