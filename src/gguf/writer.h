// gguf::Writer: writes a GGUF file from metadata and streamed tensor data, in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "gguf/file.h"

namespace docmind::gguf {

struct WriterOptions {
  uint32_t alignment = 32;  // of each tensor's data; a power of two
};

struct TensorShape {
  std::string name;
  std::vector<int64_t> dims;  // fastest first, as in TensorInfo
  uint32_t gguf_type = 0;
  std::optional<uint64_t> n_bytes{};  // required for types whose size we do not know
};

// First add() all metadata and declare() all tensors, then append() the data of the tensors in the
// order of their declaration, then finish(). Nothing is at `path` before finish(); a Writer that is
// destroyed earlier leaves nothing behind. One thread at a time.
class Writer {
 public:
  // kIo or kPermission when the temporary file beside `path` cannot be made.
  static Result<Writer> create(const std::string& path, const WriterOptions& options = {});
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // A scalar; its C++ type is its type in the file, so write add<uint32_t>("k", 1) or add("k", 1u).
  template <typename T>
    requires std::is_arithmetic_v<T>
  void add(std::string_view key, T value) {
    add_raw(key, type_of<T>(), {reinterpret_cast<const std::byte*>(&value), sizeof(value)});
  }
  void add(std::string_view key, std::string_view text);
  // An array.
  template <typename T>
    requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
  void add(std::string_view key, const std::vector<T>& values) {
    add_array(key, type_of<T>(), values.size(), std::as_bytes(std::span(values)));
  }
  void add(std::string_view key, const std::vector<std::string>& texts);
  // As it is in another file; its alignment is left out, this file has its own.
  void add(const MetadataEntry& entry);

  // A text that is known only when all else is written: room for `n_bytes`, blanks until fill().
  void reserve(std::string_view key, size_t n_bytes);

  void declare(TensorShape shape);

  // The next bytes of the tensor that is not complete yet; never past its end. kInvalidArgument when
  // what was added or declared is not a valid file (the reader would refuse it), kIo on a full disk.
  Status append(std::span<const std::byte> bytes);
  // All data is written: the whole file, still beside its path under this name, which can be opened and read.
  // kInvalidArgument when data is missing.
  Result<std::string> complete();
  // The text of a reserve()d key, blanks behind it; after complete(). kLimit names both sizes when it is too long.
  Status fill(std::string_view key, std::string_view text);
  // Flushes to the disk and puts the file at its path. kInvalidArgument when data is missing.
  Status finish();

 private:
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl);

  template <typename T>
  static constexpr ValueType type_of() {
    if constexpr (std::same_as<T, bool>) return ValueType::kBool;
    else if constexpr (std::floating_point<T>) return sizeof(T) == 4 ? ValueType::kF32 : ValueType::kF64;
    else if constexpr (sizeof(T) == 1) return std::is_signed_v<T> ? ValueType::kI8 : ValueType::kU8;
    else if constexpr (sizeof(T) == 2) return std::is_signed_v<T> ? ValueType::kI16 : ValueType::kU16;
    else if constexpr (sizeof(T) == 4) return std::is_signed_v<T> ? ValueType::kI32 : ValueType::kU32;
    else return std::is_signed_v<T> ? ValueType::kI64 : ValueType::kU64;
  }
  void add_raw(std::string_view key, ValueType type, std::span<const std::byte> value);
  void add_array(std::string_view key, ValueType element, uint64_t n, std::span<const std::byte> values);

  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::gguf
