// KvSequence: the keys and values of one sequence, in blocks of 16 tokens that hold all layers.
// SPDX-License-Identifier: Apache-2.0
#include "model/kv_sequence.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/limits.h"

namespace docmind::model {

Result<KvBlocks> KvBlocks::allocate(int64_t n_blocks, size_t block_bytes) {
  KvBlocks kv;
  DM_ASSIGN(kv.memory, AlignedBuffer::allocate(static_cast<size_t>(n_blocks) * block_bytes));
  for (int64_t i = 0; i < n_blocks; ++i) {
    kv.blocks.push_back(kv.memory.data() + static_cast<size_t>(i) * block_bytes);
  }
  return kv;
}

Result<std::unique_ptr<KvSequence>> KvSequence::create(const KvLayout& layout, int64_t capacity) {
  if (capacity < 1 || capacity > kMaxContext) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a sequence has room for 1 to {} tokens, not {}", kMaxContext, capacity)};
  }
  const int64_t n_blocks = (capacity + kernels::kKvBlockTokens - 1) / kernels::kKvBlockTokens;
  auto kv = KvBlocks::allocate(n_blocks, layout.block_bytes());
  if (!kv.ok()) {
    return std::move(kv).error().with_context(fmt::format("a sequence of {} tokens", capacity));
  }
  return std::unique_ptr<KvSequence>(new KvSequence(layout, capacity, std::move(kv).value()));
}

void KvSequence::truncate(int64_t n_tokens) {
  n_tokens_ = std::clamp<int64_t>(n_tokens, 0, n_tokens_);
}

}  // namespace docmind::model
