// What the memory of an encoder's passes is made of, by its sizes and matrices.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_scratch.h"

#include <algorithm>

#include "model/encoder_kv.h"

namespace docmind::model {
namespace {

constexpr int64_t kSpareBlocks = 64;

}  // namespace

ScratchSizes encoder_scratch(const EncoderConfig& config, std::span<const MatrixShape> matrices, int64_t max_tokens) {
  ScratchSizes sizes(max_tokens);
  for (const MatrixShape& matrix : matrices) sizes.fit(matrix);
  sizes.fit_attention({.n_heads = config.n_heads, .n_kv_heads = config.n_heads, .head_dim = config.head_dim, .kv = {}});
  return sizes;
}

int64_t encoder_row_width(const EncoderConfig& config) { return std::max(4 * config.n_embd, config.n_ff); }

int64_t encoder_blocks(int64_t max_tokens) { return max_tokens / kernels::kKvBlockTokens + kSpareBlocks; }

size_t encoder_scratch_bytes(const EncoderConfig& config, std::span<const MatrixShape> matrices, size_t n_threads,
                             int64_t max_tokens) {
  const int64_t n = config.n_embd;
  return encoder_scratch(config, matrices, max_tokens).n_bytes({n, n, encoder_row_width(config)}, n_threads) +
         EncoderKv::bytes(config.n_heads, config.head_dim, encoder_blocks(max_tokens));
}

}  // namespace docmind::model
