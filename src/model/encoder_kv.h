// EncoderKv: the keys and values that an encoder's layer writes and reads, in blocks of 16 tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "kernels/attention.h"

namespace docmind::model {

// A block is [head][keys 16 x head_dim | values 16 x head_dim] of Half, of one layer: the next one
// overwrites it. Different tokens may be written by several threads.
class EncoderKv {
 public:
  EncoderKv(int64_t n_heads, int64_t head_dim) : n_heads_(n_heads), head_dim_(head_dim) {}
  // What allocate() takes.
  [[nodiscard]] static size_t bytes(int64_t n_heads, int64_t head_dim, int64_t n_blocks) {
    const int64_t n = n_blocks * n_heads * 2 * kernels::kKvBlockTokens * head_dim;
    return static_cast<size_t>(n) * sizeof(kernels::Half);
  }
  // kLimit when the system has not the memory. Blocks that are not touched cost nothing.
  Status allocate(int64_t n_blocks);
  [[nodiscard]] size_t memory_bytes() const { return memory_.size(); }

  // `token` counts from the block's first.
  [[nodiscard]] kernels::Half* keys(int64_t block, int64_t head, int64_t token) const {
    std::byte* at = blocks_[static_cast<size_t>(block)] + static_cast<size_t>(head) * 2 * part_bytes();
    return reinterpret_cast<kernels::Half*>(at) + token * head_dim_;
  }
  [[nodiscard]] kernels::Half* values(int64_t block, int64_t head, int64_t token) const {
    return keys(block, head, token) + kernels::kKvBlockTokens * head_dim_;
  }
  // Of the sequence that begins with `first_block`.
  [[nodiscard]] kernels::KvView view(int64_t first_block) const {
    return {.blocks = blocks_.data() + first_block, .k_offset = 0, .v_offset = part_bytes(),
            .head_stride = 2 * part_bytes()};
  }

 private:
  [[nodiscard]] size_t part_bytes() const {  // the keys, or the values, of a head
    return static_cast<size_t>(kernels::kKvBlockTokens * head_dim_) * sizeof(kernels::Half);
  }

  int64_t n_heads_;
  int64_t head_dim_;
  AlignedBuffer memory_;
  std::vector<std::byte*> blocks_;
};

}  // namespace docmind::model
