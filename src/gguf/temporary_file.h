// TemporaryFile: a file that is written beside its destination and moved there when it is whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace docmind::gguf {

// "<destination>.tmp.<pid>". Locked as long as it is open, so what a process that was killed left behind can be
// told from what another process still writes. Move-only; removed on destruction unless it was published.
class TemporaryFile {
 public:
  // Removes what killed processes left for the same destination first. kBusy when this process writes to the
  // destination already, kIo, kPermission or kNotFound when the file cannot be made.
  static Result<TemporaryFile> create(const std::string& destination);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;
  ~TemporaryFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Status append(std::string_view bytes);
  // Bytes within what is written already.
  [[nodiscard]] Status overwrite(uint64_t offset, std::string_view bytes);
  // Flushes to the disk and moves the file to its destination.
  [[nodiscard]] Status publish();
  [[nodiscard]] bool published() const { return path_.empty(); }

 private:
  TemporaryFile(std::string destination, std::string path, UniqueFd fd);

  std::string destination_;
  std::string path_;  // empty: nothing to remove
  UniqueFd fd_;
};

}  // namespace docmind::gguf
