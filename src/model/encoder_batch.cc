// EncoderBatch: sequences of different lengths that go through an encoder together, without padding.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_batch.h"

#include <algorithm>
#include <cassert>

#include "kernels/attention.h"

namespace docmind::model {
namespace {

int64_t blocks_of(std::span<const TokenId> sequence) {
  return (static_cast<int64_t>(sequence.size()) + kernels::kKvBlockTokens - 1) / kernels::kKvBlockTokens;
}

}  // namespace

EncoderBatch::EncoderBatch(int64_t max_tokens, int64_t max_blocks, int64_t query_tile)
  : max_tokens_(max_tokens), max_blocks_(max_blocks), query_tile_(query_tile) {
  parts_.reserve(static_cast<size_t>(max_blocks));
  tokens_.reserve(static_cast<size_t>(max_tokens));
  tiles_.reserve(static_cast<size_t>(max_tokens / query_tile + max_blocks));
}

int64_t EncoderBatch::fill(Encoder::Sequences sequences) {
  parts_.clear();
  tokens_.clear();
  tiles_.clear();
  n_blocks_ = 0;
  for (const auto sequence : sequences) {
    const bool fits = n_rows() + static_cast<int64_t>(sequence.size()) <= max_tokens_ &&
                      n_blocks_ + blocks_of(sequence) <= max_blocks_;
    if (!fits) break;
    add(sequence);
  }
  assert(!parts_.empty());
  return static_cast<int64_t>(parts_.size());
}

void EncoderBatch::add(std::span<const TokenId> sequence) {
  const auto part = static_cast<int64_t>(parts_.size());
  parts_.push_back({sequence, n_rows(), n_blocks_});
  for (size_t i = 0; i < sequence.size(); ++i) {
    const auto position = static_cast<int64_t>(i);
    tokens_.push_back({sequence[i], position, n_blocks_ + position / kernels::kKvBlockTokens});
  }
  const auto n = static_cast<int64_t>(sequence.size());
  for (int64_t begin = 0; begin < n; begin += query_tile_) {
    tiles_.push_back({part, begin, std::min(begin + query_tile_, n)});
  }
  n_blocks_ += blocks_of(sequence);
}

}  // namespace docmind::model
