// EdgeMemory: memory right before an unreadable page, so that a step beyond its end is a crash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace docmind::test {

class EdgeMemory {
 public:
  explicit EdgeMemory(size_t n_bytes);
  ~EdgeMemory();
  EdgeMemory(const EdgeMemory&) = delete;
  EdgeMemory& operator=(const EdgeMemory&) = delete;

  // Aligned to 64 bytes if the size is a multiple of 64.
  template <typename T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* mapping_ = nullptr;
  size_t mapped_bytes_ = 0;
  std::byte* data_ = nullptr;
};

// A row of T that may not be read or written past its end.
template <typename T>
class EdgeRow {
 public:
  explicit EdgeRow(const std::vector<T>& values) : memory_(values.size() * sizeof(T)), size_(values.size()) {
    for (size_t i = 0; i < size_; ++i) data()[i] = values[i];
  }
  explicit EdgeRow(size_t size) : EdgeRow(std::vector<T>(size)) {}

  [[nodiscard]] T* data() const { return memory_.as<T>(); }
  [[nodiscard]] std::vector<T> values() const { return {data(), data() + size_}; }

 private:
  EdgeMemory memory_;
  size_t size_;
};

}  // namespace docmind::test
