// What state files hold of a block: nothing of what lies behind its tokens.
// SPDX-License-Identifier: Apache-2.0
#include "kv/state_bytes.h"

#include <algorithm>

namespace docmind::kv {

using kernels::kKvBlockTokens;

std::span<const std::byte> block_part(const Layout& layout, std::byte* block, int64_t n_tokens,
                                      std::vector<std::byte>& copy) {
  if (n_tokens >= kKvBlockTokens) return {block, layout.block_bytes()};
  copy.assign(block, block + layout.block_bytes());
  const Geometry& g = layout.geometry();
  const int64_t n_rest = (kKvBlockTokens - n_tokens) * g.head_dim;
  for (int64_t layer = 0; layer < g.n_layers; ++layer) {
    for (int64_t head = 0; head < g.n_kv_heads; ++head) {
      std::fill_n(layout.keys(copy.data(), layer, head, n_tokens), n_rest, kernels::Half{});
      std::fill_n(layout.values(copy.data(), layer, head, n_tokens), n_rest, kernels::Half{});
    }
  }
  return copy;
}

}  // namespace docmind::kv
