// EncoderPass: one forward pass of a bidirectional model over a ragged batch of sequences.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/error.h"
#include "model/encoder_batch.h"
#include "model/encoder_kv.h"
#include "model/encoder_weights.h"
#include "model/executor.h"

namespace docmind::model {

// Which rows of the last layer are wanted.
enum class OutputRows { kAll, kFirst, kLast };

// Borrows the weights, the table and the team. Not thread-safe.
class EncoderPass {
 public:
  EncoderPass(const EncoderWeights& weights, const kernels::KernelTable& table, ThreadTeam& team, int64_t max_tokens,
              int64_t max_blocks);
  // kLimit when the system has not the memory; once, before run().
  Status allocate();

  // The rows of the last layer, [rows, n_embd]: of all tokens of the batch (within the sizes given
  // above), or one for each sequence. Valid until the next call.
  const float* run(const EncoderBatch& batch, OutputRows rows);
  // The classifier's score of each of the `n_rows` rows that run() gave.
  void score(int64_t n_rows, float* scores);

  [[nodiscard]] size_t scratch_bytes() const { return executor_.memory_bytes() + kv_.memory_bytes(); }

 private:
  void embed(const EncoderBatch& batch);
  void layer(const EncoderBatch& batch, const EncoderLayer& layer, OutputRows rows);
  void store_keys_and_values(const EncoderBatch& batch);
  // Moves the wanted rows of x and of the queries to the front.
  void gather(const EncoderBatch& batch, OutputRows rows);
  void attend_all(const EncoderBatch& batch);
  void attend_gathered(const EncoderBatch& batch);
  // x = norm(x + y), for rows [begin, end).
  void add_and_norm(int64_t begin, int64_t end, const LayerNorm& norm);
  [[nodiscard]] kernels::AttentionJob attention_job() const;
  // Queries from row `row` on against the keys of `part`.
  [[nodiscard]] kernels::AttentionJob attention_job(const EncoderBatch::Part& part, int64_t row,
                                                    int64_t n_queries) const;

  const EncoderWeights& weights_;
  const EncoderConfig& config_;
  const kernels::KernelTable& table_;
  Executor executor_;
  int64_t max_blocks_;
  bool exact_ = true;  // products are in floats, so attention is as well
  EncoderKv kv_;

  // Rows of max_tokens each; hidden_ takes the place of the four before it.
  float* x_ = nullptr;         // [n_embd] the residual stream
  float* y_ = nullptr;         // [n_embd] the output of a block
  float* q_ = nullptr;         // [n_embd]
  float* k_ = nullptr;         // [n_embd]
  float* v_ = nullptr;         // [n_embd]
  float* attended_ = nullptr;  // [n_embd]
  float* hidden_ = nullptr;    // [n_ff]
};

}  // namespace docmind::model
