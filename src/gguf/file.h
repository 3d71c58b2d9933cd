// gguf::File: the metadata and the tensor table of a GGUF model, checked before anything is believed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernels/tensor_type.h"

namespace docmind::gguf {

// The values are those of the format.
enum class ValueType : uint32_t {
  kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64
};

// An array of the metadata; its elements lie in the file and were bounds-checked when it was opened.
struct ArrayView {
  ValueType element = ValueType::kU8;
  uint64_t n = 0;
  std::span<const std::byte> bytes;  // of all elements

  // Element values; kMalformed when the array has another element type.
  [[nodiscard]] Result<std::vector<std::string_view>> strings() const;  // borrowed from the file
  [[nodiscard]] Result<std::vector<float>> floats() const;
  [[nodiscard]] Result<std::vector<int32_t>> integers() const;  // from any integer or bool type that fits
};

struct MetadataEntry {
  std::string_view key;
  ValueType type = ValueType::kU8;
  std::span<const std::byte> bytes;  // the scalar's or string's bytes (without the length)
  ArrayView array;                   // only for kArray
};

struct TensorInfo {
  std::string_view name;
  int64_t dims[4] = {1, 1, 1, 1};  // fastest first: a matrix [rows, cols] has dims {cols, rows}
  int n_dims = 0;
  uint32_t gguf_type = 0;  // perhaps one that kernels::find_tensor_type does not know
  std::span<const std::byte> data;  // in the mapped file; empty for a type of unknown size
  size_t split = 0;                 // which file of a split model

  [[nodiscard]] int64_t n_elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
};

// Read-only and safe to use from several threads. Views stay valid as long as the File lives.
class File {
 public:
  // Maps the file, and for "x-00001-of-0000N.gguf" its siblings as well. kMalformed and kUnsupported
  // name the file, the place and both values; nothing is allocated on the file's word alone.
  static Result<File> open(const std::string& path);
  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] size_t file_bytes() const;  // of all splits
  [[nodiscard]] uint32_t version() const;
  [[nodiscard]] std::string_view architecture() const;  // general.architecture

  [[nodiscard]] std::span<const MetadataEntry> metadata() const;  // in file order
  [[nodiscard]] const MetadataEntry* find(std::string_view key) const;
  // Typed access. A missing key is kNotFound (or the default with *_or), a value of another kind or
  // out of range is kMalformed; both sentences name file and key.
  [[nodiscard]] Result<int64_t> integer(std::string_view key) const;
  [[nodiscard]] Result<int64_t> integer_or(std::string_view key, int64_t value) const;
  [[nodiscard]] Result<double> real(std::string_view key) const;
  [[nodiscard]] Result<double> real_or(std::string_view key, double value) const;
  [[nodiscard]] Result<bool> boolean_or(std::string_view key, bool value) const;
  [[nodiscard]] Result<std::string_view> text(std::string_view key) const;
  [[nodiscard]] Result<std::string_view> text_or(std::string_view key, std::string_view value) const;
  [[nodiscard]] Result<ArrayView> array(std::string_view key) const;

  [[nodiscard]] std::span<const TensorInfo> tensors() const;  // in file order, splits one after another
  [[nodiscard]] const TensorInfo* find_tensor(std::string_view name) const;
  // The tensor's pages need not stay in memory (it was packed elsewhere).
  void drop(const TensorInfo& tensor) const;
  void prefetch(const TensorInfo& tensor) const;

 private:
  struct Impl;
  explicit File(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::gguf
