// A sealed page of the KV cache: 64 tokens of all layers, their keys and values as small codes.
//
// Keys are quantized per channel, asymmetric, over `key_group` tokens (KIVI, Liu et al. 2024: outliers of
// keys stay in their channels). Values come rotated (QuaRot, Ashkboos et al. 2024: a Hadamard transform
// spreads outliers) and are quantized per token, symmetric, over `value_group` channels:
//   key   = min + scale * code                      scale and min of (group of tokens, channel)
//   value = scale * (code - (2^bits - 1) / 2)       scale of (token, group of channels)
//
// A page is KvPageLayer[n_layers], padded to 64 bytes, then the layers. A layer is, for each KV head,
//   key codes | for each group of tokens: Half scale[head_dim], Half min[head_dim] | value codes
// and, after the last head, Half scale[n_value_groups][64].
//
// Codes lie in units of 64 codes, a unit of `bits` bits a code takes 8 * bits bytes:
//   8 bits: code i is byte i
//   4 bits: byte j (0..31) holds code j in its low half and code j + 32 in its high half
//   2 bits: byte j (0..15) holds codes j, j + 16, j + 32, j + 48 from its lowest bits up
//   3 bits: the low two bits of all codes as for 2 bits, then bit i % 8 of byte 16 + i / 8 is the third of code i
// so that four codes of one token (keys) or of one channel (values) are neighbours, as int8 dot products want.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"
#include "kernels/tensor_type.h"

namespace docmind::kernels {

inline constexpr int64_t kKvPageTokens = 64;
inline constexpr int64_t kKvPageBlocks = kKvPageTokens / kKvBlockTokens;
inline constexpr int64_t kMaxValueGroup = 256;

// Where a layer lies in its page, and the bits of its codes (8, 4, 3 or 2).
struct KvPageLayer {
  uint32_t offset;  // bytes from the start of the page
  uint8_t key_bits;
  uint8_t value_bits;
  uint16_t reserved;
};
static_assert(sizeof(KvPageLayer) == 8);

// Exact blocks to be sealed into one layer of a page.
struct KvSealJob {
  const std::byte* blocks[kKvPageBlocks] = {};  // of tokens 0-15, 16-31, ... of the page
  size_t k_offset = 0, v_offset = 0, head_stride = 0;  // in each, as in KvView
  KvPageShape shape;
  std::byte* page = nullptr;  // its KvPageLayer of `layer` is filled in
  int64_t layer = 0;
};

// Internal linkage, as files compiled for different instruction sets use them.
namespace {  // NOLINT(build/namespaces)

constexpr int64_t kv_unit_bytes(int bits) { return 8 * bits; }
constexpr int64_t kv_code_bytes(const KvPageShape& s, int bits) { return s.head_dim * kv_unit_bytes(bits); }
constexpr int64_t kv_key_params_bytes(const KvPageShape& s) {
  return kKvPageTokens / s.key_group * 2 * s.head_dim * static_cast<int64_t>(sizeof(Half));
}
constexpr int64_t kv_head_bytes(const KvPageShape& s, int key_bits, int value_bits) {
  return kv_code_bytes(s, key_bits) + kv_key_params_bytes(s) + kv_code_bytes(s, value_bits);
}
constexpr int64_t kv_value_groups(const KvPageShape& s) { return s.n_kv_heads * s.head_dim / s.value_group; }
constexpr int64_t kv_layer_bytes(const KvPageShape& s, int key_bits, int value_bits) {
  const int64_t n = s.n_kv_heads * kv_head_bytes(s, key_bits, value_bits) +
                    kv_value_groups(s) * kKvPageTokens * static_cast<int64_t>(sizeof(Half));
  return (n + 63) / 64 * 64;
}
constexpr int64_t kv_page_header_bytes(int64_t n_layers) {
  return (n_layers * static_cast<int64_t>(sizeof(KvPageLayer)) + 63) / 64 * 64;
}
// KV heads that must be sealed together, as they share scales of values.
constexpr int64_t kv_seal_heads(const KvPageShape& s) {
  return s.value_group > s.head_dim ? s.value_group / s.head_dim : 1;
}

// Index of a code among those of a head: codes [64 i, 64 i + 64) are unit i.
constexpr int64_t kv_key_index(int64_t token, int64_t channel) {
  return (channel / 4 * kKvPageTokens + token) * 4 + channel % 4;
}
// Vectors of 16 channels where the width allows it, each with all its tokens.
constexpr int64_t kv_value_index(int64_t head_dim, int64_t token, int64_t channel) {
  const int64_t width = head_dim % 16 == 0 ? 16 : head_dim;
  return ((channel / width * (kKvPageTokens / 4) + token / 4) * width + channel % width) * 4 + token % 4;
}

// The parts of one head in one layer of a page. Std is std::byte or const std::byte.
template <typename Byte>
struct KvHeadParts {
  Byte* key_codes;
  Byte* key_params;    // Half [groups of tokens][scale, min][head_dim]
  Byte* value_codes;
  Byte* value_scales;  // Half [n_value_groups][64], of the layer
  int key_bits;
  int value_bits;
};
template <typename Byte>
inline KvHeadParts<Byte> kv_head_parts(const KvPageShape& shape, Byte* page, int64_t layer, int64_t head) {
  const KvPageLayer at = reinterpret_cast<const KvPageLayer*>(page)[layer];
  const int64_t head_bytes = kv_head_bytes(shape, at.key_bits, at.value_bits);
  Byte* start = page + at.offset;
  Byte* codes = start + head * head_bytes;
  Byte* params = codes + kv_code_bytes(shape, at.key_bits);
  return {.key_codes = codes,
          .key_params = params,
          .value_codes = params + kv_key_params_bytes(shape),
          .value_scales = start + shape.n_kv_heads * head_bytes,
          .key_bits = at.key_bits,
          .value_bits = at.value_bits};
}

// Whether a query at `position` reads page `page` sealed, when it is held both ways: only pages that end
// `residual` tokens or more before the query's own page begins. It depends on positions alone, so that a
// result does not depend on how a prompt was cut into pieces.
constexpr bool kv_reads_sealed(int64_t position, int64_t page, int64_t residual) {
  return (page + 1) * kKvPageTokens + residual <= position / kKvPageTokens * kKvPageTokens;
}

}  // namespace

}  // namespace docmind::kernels
