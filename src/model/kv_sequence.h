// KvSequence: the keys and values of one sequence, in blocks of 16 tokens that hold all layers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/attention.h"
#include "model/decoder.h"

namespace docmind::model {

// A block is [layer][KV head][keys 16 x head_dim | values 16 x head_dim] of Half.
struct KvLayout {
  int64_t n_layers = 0;
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;

  [[nodiscard]] size_t part_bytes() const {  // the keys, or the values, of a head
    return static_cast<size_t>(kernels::kKvBlockTokens * head_dim) * sizeof(kernels::Half);
  }
  [[nodiscard]] size_t head_bytes() const { return 2 * part_bytes(); }
  [[nodiscard]] size_t layer_bytes() const { return static_cast<size_t>(n_kv_heads) * head_bytes(); }
  [[nodiscard]] size_t block_bytes() const { return static_cast<size_t>(n_layers) * layer_bytes(); }
  bool operator==(const KvLayout&) const = default;

  // The keys of `token` (counted from the block's first) in a block; the values are part_bytes() on.
  [[nodiscard]] kernels::Half* keys(std::byte* block, int64_t layer, int64_t kv_head, int64_t token) const {
    std::byte* head = block + static_cast<size_t>(layer) * layer_bytes() + static_cast<size_t>(kv_head) * head_bytes();
    return reinterpret_cast<kernels::Half*>(head) + token * head_dim;
  }
  [[nodiscard]] kernels::Half* values(std::byte* block, int64_t layer, int64_t kv_head, int64_t token) const {
    return keys(block, layer, kv_head, token) + kernels::kKvBlockTokens * head_dim;
  }
  [[nodiscard]] kernels::KvView view(const std::byte* const* blocks, int64_t layer) const {
    const size_t at = static_cast<size_t>(layer) * layer_bytes();
    return {.blocks = blocks, .k_offset = at, .v_offset = at + part_bytes(), .head_stride = head_bytes()};
  }
};

// The blocks of `n_blocks` x `block_bytes` in one piece of memory; untouched ones cost nothing.
struct KvBlocks {
  AlignedBuffer memory;
  std::vector<std::byte*> blocks;

  static Result<KvBlocks> allocate(int64_t n_blocks, size_t block_bytes);
};

class KvSequence final : public Sequence {
 public:
  // kLimit when the system has not the memory; `capacity` is at least 1.
  static Result<std::unique_ptr<KvSequence>> create(const KvLayout& layout, int64_t capacity);

  [[nodiscard]] int64_t n_tokens() const override { return n_tokens_; }
  [[nodiscard]] int64_t capacity() const override { return capacity_; }
  [[nodiscard]] size_t memory_bytes() const override { return kv_.memory.size(); }
  void truncate(int64_t n_tokens) override;

  [[nodiscard]] const KvLayout& layout() const { return layout_; }
  [[nodiscard]] kernels::KvView view(int64_t layer) const { return layout_.view(kv_.blocks.data(), layer); }
  // Where the keys and the values of a token go; `token` is below capacity().
  [[nodiscard]] kernels::Half* keys(int64_t layer, int64_t kv_head, int64_t token) {
    return layout_.keys(block(token), layer, kv_head, token % kernels::kKvBlockTokens);
  }
  [[nodiscard]] kernels::Half* values(int64_t layer, int64_t kv_head, int64_t token) {
    return layout_.values(block(token), layer, kv_head, token % kernels::kKvBlockTokens);
  }
  // The tokens that were written beyond n_tokens() now count.
  void commit(int64_t n_tokens) { n_tokens_ = n_tokens; }

 private:
  KvSequence(const KvLayout& layout, int64_t capacity, KvBlocks kv)
    : layout_(layout), capacity_(capacity), kv_(std::move(kv)) {}
  [[nodiscard]] std::byte* block(int64_t token) const {
    return kv_.blocks[static_cast<size_t>(token / kernels::kKvBlockTokens)];
  }

  KvLayout layout_;
  int64_t capacity_ = 0;
  int64_t n_tokens_ = 0;
  KvBlocks kv_;
};

}  // namespace docmind::model
