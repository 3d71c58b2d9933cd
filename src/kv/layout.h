// Layout: the byte arithmetic of a KV cache: exact blocks of 16 tokens, sealed pages of 64, of all layers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "kernels/attention.h"
#include "kernels/kv_page.h"
#include "kv/format.h"

namespace docmind::kv {

// What a model's cache holds of each token.
struct Geometry {
  int64_t n_layers = 0;
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;
  bool operator==(const Geometry&) const = default;
};

// An exact block is [layer][KV head][keys 16 x head_dim | values 16 x head_dim] of Half and, in `mixed`, then
// [layer][KV head][head_dim] floats: the sums of the squares of the queries of its tokens (QueryEnergy).
class Layout {
 public:
  // kUnsupported when the format cannot hold such heads (sealed pages need a multiple of 4), kInvalidArgument
  // for options out of range; both name the values.
  static Result<Layout> create(const Geometry& geometry, const FormatOptions& options);

  [[nodiscard]] const Geometry& geometry() const { return geometry_; }
  [[nodiscard]] const FormatOptions& options() const { return options_; }
  [[nodiscard]] const kernels::KvPageShape& page_shape() const { return page_shape_; }
  [[nodiscard]] bool seals() const { return options_.format != Format::kF16; }
  [[nodiscard]] bool has_query_energy() const { return options_.format == Format::kMixed; }
  // Floats that the transform of values takes at a time; 1 where they are not rotated (f16).
  [[nodiscard]] int64_t rotation_block() const { return rotation_block_; }

  [[nodiscard]] size_t block_bytes() const { return block_bytes_; }  // multiples of 64
  [[nodiscard]] size_t page_bytes() const { return page_bytes_; }    // 0 when nothing is sealed
  // What a sequence of `n_tokens` holds when nothing of it is shared.
  [[nodiscard]] size_t sequence_bytes(int64_t n_tokens) const;
  // Of a long sequence, each further token.
  [[nodiscard]] double bytes_per_token() const;

  // Pages [1, sealed_pages(n)) are sealed when the next token is n: page 0 (attention sinks) and the newest
  // residual_tokens stay exact.
  [[nodiscard]] int64_t sealed_pages(int64_t n_tokens) const;

  // In an exact block; `token` counts from its first.
  [[nodiscard]] kernels::Half* keys(std::byte* block, int64_t layer, int64_t head, int64_t token) const;
  [[nodiscard]] kernels::Half* values(std::byte* block, int64_t layer, int64_t head, int64_t token) const;
  [[nodiscard]] float* query_energy(std::byte* block, int64_t layer, int64_t head) const;  // [head_dim]
  [[nodiscard]] kernels::KvView view(const std::byte* const* blocks, const std::byte* const* pages,
                                     int64_t layer) const;

 private:
  Geometry geometry_;
  FormatOptions options_;
  kernels::KvPageShape page_shape_;
  int64_t rotation_block_ = 1;
  size_t part_bytes_ = 0;  // keys, or values, of a head in a block
  size_t block_bytes_ = 0;
  size_t page_bytes_ = 0;
};

}  // namespace docmind::kv
