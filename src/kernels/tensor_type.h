// TensorType: the element types of GGUF tensors that we compute with, and their block layouts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace docmind::kernels {

// The values are those of the GGUF format.
enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

struct TensorTypeInfo {
  TensorType type;
  std::string_view name;  // "Q4_K"
  int64_t block_len;      // elements a block; rows are whole blocks
  size_t block_bytes;
};

// Empty for a type that we cannot compute with.
[[nodiscard]] std::optional<TensorTypeInfo> find_tensor_type(uint32_t gguf_type);
[[nodiscard]] TensorTypeInfo tensor_type_info(TensorType type);
// The name of any type of the GGUF format, also of those that we do not support ("IQ4_XS"); empty
// for a number that the format does not know.
[[nodiscard]] std::string_view gguf_type_name(uint32_t gguf_type);

// Bytes of a row of `n` elements; `n` must be a multiple of the block length.
[[nodiscard]] constexpr size_t row_bytes(const TensorTypeInfo& info, int64_t n) {
  return static_cast<size_t>(n / info.block_len) * info.block_bytes;
}

using Half = uint16_t;  // IEEE binary16 bits

// The blocks as they lie in a file, little endian (the formats' own names for the fields).
struct BlockQ4_0 {
  static constexpr int64_t kLen = 32;
  Half d;
  uint8_t qs[16];  // element j: low nibble of qs[j]; element j + 16: high nibble; d * (q - 8)
};
static_assert(sizeof(BlockQ4_0) == 18);

struct BlockQ8_0 {
  static constexpr int64_t kLen = 32;
  Half d;
  int8_t qs[32];  // d * q
};
static_assert(sizeof(BlockQ8_0) == 34);

struct BlockQ4_K {
  static constexpr int64_t kLen = 256;
  Half d, dmin;
  uint8_t scales[12];  // 8 six-bit scales and 8 six-bit mins
  uint8_t qs[128];     // per 64 elements 32 bytes: low nibbles the first 32, high the next 32
};
static_assert(sizeof(BlockQ4_K) == 144);

struct BlockQ5_K {
  static constexpr int64_t kLen = 256;
  Half d, dmin;
  uint8_t scales[12];
  uint8_t qh[32];  // bit j of qh[i]: fifth bit of element 32 * j + i
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

struct BlockQ6_K {
  static constexpr int64_t kLen = 256;
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];  // one per 16 elements; d * scale * (q - 32)
  Half d;
};
static_assert(sizeof(BlockQ6_K) == 210);

}  // namespace docmind::kernels
