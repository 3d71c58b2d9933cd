// DecoderPass: one forward pass of a causal language model over a piece of a sequence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "model/decoder_weights.h"
#include "model/executor.h"
#include "model/kv_sequence.h"
#include "model/rope_table.h"

namespace docmind::model {

// Borrows the weights, the table and the team. Not thread-safe.
class DecoderPass {
 public:
  DecoderPass(const DecoderWeights& weights, const kernels::KernelTable& table, ThreadTeam& team, int64_t max_tokens);
  // kLimit when the system has not the memory; once, before run().
  Status allocate();

  // Computes keys and values of `tokens` (1 to max_tokens, valid ids) as the tokens from `position` on,
  // and the logits [n_logit_rows, n_vocab] of the last `n_logit_rows` of them. Does not commit.
  void run(KvSequence& sequence, std::span<const TokenId> tokens, int64_t position, int64_t n_logit_rows,
           float* logits);

  [[nodiscard]] size_t scratch_bytes() const { return executor_.memory_bytes(); }
  [[nodiscard]] KvLayout kv_layout() const {
    const DecoderConfig& config = weights_.config;
    return {.n_layers = config.n_layers, .n_kv_heads = config.n_kv_heads, .head_dim = config.head_dim};
  }

 private:
  // What a run is about.
  struct Piece {
    KvSequence& sequence;
    std::span<const TokenId> tokens;
    int64_t position;
    [[nodiscard]] int64_t n() const { return static_cast<int64_t>(tokens.size()); }
  };

  void embed(const Piece& piece);
  void layer(const Piece& piece, int64_t index, int64_t first_row);
  // Rotates queries and keys of tokens [begin, end) and stores keys and values, for one KV head.
  void prepare_heads(const Piece& piece, int64_t layer, int64_t kv_head, int64_t begin, int64_t end);
  void rotate(float* head, const float* norm, int64_t token);
  void attend(const Piece& piece, int64_t layer, int64_t first_row);
  void feed_forward(const DecoderLayer& layer, int64_t first_row, int64_t n_rows);
  // y = norm(x), after x += y where y holds the output of the block before.
  void norm_row(int64_t row, const float* gain, bool add_y);
  [[nodiscard]] kernels::AttentionJob attention_job() const;

  const DecoderWeights& weights_;
  const DecoderConfig& config_;
  const kernels::KernelTable& table_;
  Executor executor_;
  RopeTable rope_;
  bool exact_ = true;  // products are in floats, so attention is as well
  int64_t q_width_, kv_width_;

  // Rows of max_tokens each; hidden_ takes the place of the four before it.
  float* x_ = nullptr;         // [n_embd] the residual stream
  float* y_ = nullptr;         // [n_embd] its normalised form, then the output of a block
  float* q_ = nullptr;         // [q_width]
  float* k_ = nullptr;         // [kv_width]
  float* v_ = nullptr;         // [kv_width]
  float* attended_ = nullptr;  // [q_width]
  float* hidden_ = nullptr;    // [n_ff]
  float* cos_sin_ = nullptr;   // [n_rot]
};

}  // namespace docmind::model
