// ByteCursor: walks a file's bytes and never past their end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"
#include "gguf/format.h"

namespace docmind::gguf {

class ByteCursor {
 public:
  // `path` is for messages and must outlive the cursor.
  ByteCursor(std::string_view path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] size_t left() const { return bytes_.size() - offset_; }

  // `what` is what is being read: "the name of tensor 3".
  Result<std::span<const std::byte>> take(uint64_t n_bytes, std::string_view what) {
    if (n_bytes > left()) {
      return error(fmt::format("{} needs {} bytes, but the file ends after {}", what, n_bytes, left()));
    }
    const auto piece = bytes_.subspan(offset_, n_bytes);
    offset_ += n_bytes;
    return piece;
  }

  template <typename T>
  Result<T> number(std::string_view what) {
    DM_ASSIGN(const std::span<const std::byte> piece, take(sizeof(T), what));
    return load<T>(piece);
  }

  // A length and that many bytes, `max_bytes` at most.
  Result<std::span<const std::byte>> string(uint64_t max_bytes, std::string_view what) {
    DM_ASSIGN(const uint64_t n_bytes, number<uint64_t>(what));
    if (n_bytes > max_bytes) {
      return error(fmt::format("{} has {} bytes, more than the {} allowed", what, n_bytes, max_bytes));
    }
    return take(n_bytes, what);
  }

  [[nodiscard]] Error error(std::string_view sentence, ErrorCode code = ErrorCode::kMalformed) const {
    return Error{code, fmt::format("'{}', byte {}: {}", printable(path_), offset_, sentence)};
  }

 private:
  std::string_view path_;
  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
};

}  // namespace docmind::gguf
