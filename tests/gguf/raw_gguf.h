// RawGguf: the bytes of a GGUF file field by field, so that tests can make every field wrong.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/header_reader.h"

namespace docmind::test {

class RawGguf {
 public:
  RawGguf() = default;
  // The beginning of a file with these counts.
  RawGguf(uint64_t n_tensors, uint64_t n_metadata, uint32_t version = 3) {
    bytes = "GGUF";
    put(version).put(n_tensors).put(n_metadata);
  }
  template <typename T>
  RawGguf& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  RawGguf& text(std::string_view text) {
    put<uint64_t>(text.size());
    bytes.append(text);
    return *this;
  }
  template <typename T>
  RawGguf& entry(std::string_view key, gguf::ValueType type, T value) {
    return text(key).put(type).put(value);
  }
  RawGguf& tensor(std::string_view name, const std::vector<int64_t>& dims, uint32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(dims.size()));
    for (const int64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  // Up to the tensor data, then `n_bytes` of it.
  RawGguf& data(size_t n_bytes, size_t alignment = 32) {
    bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
    bytes.append(n_bytes, '\x11');
    return *this;
  }

  // Reads a copy that ends where its memory ends, so that a sanitizer sees a step too far.
  [[nodiscard]] Result<size_t> read() const {
    const std::vector<char> copy(bytes.begin(), bytes.end());
    const Result<gguf::Header> header = gguf::read_header("x.gguf", std::as_bytes(std::span(copy)));
    if (!header.ok()) return header.error();
    return header->tensors.size();
  }
  [[nodiscard]] Error error() const {
    const Result<size_t> result = read();
    return result.ok() ? Error{ErrorCode::kInternal, "it was read"} : result.error();
  }

  std::string bytes;
};

}  // namespace docmind::test
