// The GGUF format's numbers: magic, limits, sizes of the metadata's value types.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "gguf/file.h"

namespace docmind::gguf {

static_assert(std::endian::native == std::endian::little, "values are read as they lie in the file");

inline constexpr std::string_view kMagic = "GGUF";
inline constexpr uint32_t kWriteVersion = 3;
inline constexpr size_t kDefaultAlignment = 32;
inline constexpr std::string_view kAlignmentKey = "general.alignment";
inline constexpr std::string_view kSplitNoKey = "split.no";
inline constexpr std::string_view kSplitCountKey = "split.count";
inline constexpr std::string_view kSplitTensorsKey = "split.tensors.count";

// What no honest file reaches; beyond it a file is refused before it costs time or memory.
inline constexpr uint64_t kMaxMetadata = 1 << 16;
inline constexpr uint64_t kMaxTensors = 1 << 20;
inline constexpr uint64_t kMaxKeyBytes = (1 << 16) - 1;  // the format's own limits
inline constexpr uint64_t kMaxTensorNameBytes = 64;
inline constexpr uint64_t kMaxStringBytes = 64 << 20;
inline constexpr uint64_t kMaxAlignment = 1 << 20;
inline constexpr int kMaxDims = 4;
inline constexpr uint32_t kMaxSplits = 1000;

// "u32"; empty for a number that is no type.
[[nodiscard]] std::string_view value_type_name(ValueType type);
// Bytes of a scalar; 0 for strings, arrays and numbers that are no type.
[[nodiscard]] size_t scalar_bytes(ValueType type);

// The value that begins at `bytes`, which has sizeof(T) bytes at least; the place need not be aligned.
template <typename T>
[[nodiscard]] T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace docmind::gguf
