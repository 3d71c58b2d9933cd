// EncoderKv: the keys and values that an encoder's layer writes and reads, in blocks of 16 tokens.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_kv.h"

namespace docmind::model {

Status EncoderKv::allocate(int64_t n_blocks) {
  const size_t block_bytes = static_cast<size_t>(n_heads_) * 2 * part_bytes();
  DM_ASSIGN(memory_, AlignedBuffer::allocate(bytes(n_heads_, head_dim_, n_blocks)));
  blocks_.clear();
  for (int64_t i = 0; i < n_blocks; ++i) blocks_.push_back(memory_.data() + static_cast<size_t>(i) * block_bytes);
  return {};
}

}  // namespace docmind::model
