// What the memory of a decoder's passes is made of, by its sizes and matrices.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_scratch.h"

#include <algorithm>

namespace docmind::model {

ScratchSizes decoder_scratch(const DecoderConfig& config, std::span<const MatrixShape> matrices, int64_t max_rows) {
  ScratchSizes sizes(max_rows);
  for (const MatrixShape& matrix : matrices) sizes.fit(matrix);
  sizes.fit_attention(
      {.n_heads = config.n_heads, .n_kv_heads = config.n_kv_heads, .head_dim = config.head_dim, .kv = {}});
  sizes.fit_gated();
  return sizes;
}

int64_t decoder_row_width(const DecoderConfig& config) {
  return std::max(2 * (config.n_heads + config.n_kv_heads) * config.head_dim, config.n_ff);
}

PassState::Sizes pass_sizes(const DecoderConfig& config, int64_t max_tokens) {
  return {.max_rows = max_tokens,
          .n_embd = config.n_embd,
          .n_rot = config.n_rot,
          .n_vocab = config.n_vocab,
          .query_tile = ScratchSizes::kQueryTile};
}

}  // namespace docmind::model
