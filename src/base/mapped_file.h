// MappedFile: a whole file, read-only in the address space.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"

namespace docmind {

// Move-only. bytes() stays valid until destruction. A file that is truncated by somebody else while
// it is mapped raises SIGBUS on access, as every mapping does.
class MappedFile {
 public:
  // A regular file of any size, also empty. kNotFound, kPermission, kUnsupported (a folder, a device).
  static Result<MappedFile> open(const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Gives the whole pages inside [offset, offset + length) back to the system; they are read from
  // the file again when they are next touched.
  void drop(size_t offset, size_t length) const;
  // Asks the system to read ahead.
  void prefetch(size_t offset, size_t length) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace docmind
