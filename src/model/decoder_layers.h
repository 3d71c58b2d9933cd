// DecoderLayers: the arithmetic of a causal language model's layers, and the memory that it needs within one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/error.h"
#include "model/decoder_attention.h"
#include "model/decoder_weights.h"
#include "model/executor.h"
#include "model/pass_state.h"
#include "model/rope_table.h"

namespace docmind::model {

// Passes share it, one layer at a time: nothing in it outlives a call. Borrows the weights, the table and
// the team. Not thread-safe.
class DecoderLayers {
 public:
  DecoderLayers(const DecoderWeights& weights, const kernels::KernelTable& table, ThreadTeam& team, int64_t max_rows);
  // kLimit when the system has not the memory; once, before the others.
  Status allocate();
  [[nodiscard]] int64_t max_rows() const { return executor_.max_rows(); }
  [[nodiscard]] size_t scratch_bytes() const { return executor_.memory_bytes(); }
  [[nodiscard]] const DecoderConfig& config() const { return config_; }

  // The three parts of a pass of up to max_rows rows, in their order. The last layer leaves the rows whose
  // logits are wanted.
  void embed(const PassState& pass);
  void run(PassState& pass, int64_t layer);
  void write_logits(const PassState& pass);

 private:
  void feed_forward(const PassState& pass, const DecoderLayer& layer);
  // y = norm(x), after x += y where y holds the output of the block before.
  void norm_row(const PassState& pass, int64_t row, const float* gain, bool add_y);
  // Prepares y = norm(x + y) of the rows for products with `weights`.
  void load_norms(const PassState& pass, int64_t n_rows, const float* gain, bool add_y,
                  std::initializer_list<const Linear*> weights);

  const DecoderWeights& weights_;
  const DecoderConfig& config_;
  const kernels::KernelTable& table_;
  Executor executor_;
  RopeTable rope_;
  DecoderAttention attention_;
  int64_t q_width_, kv_width_;
  DecoderAttention::Rows heads_;
  float* hidden_ = nullptr;  // [n_ff], in the place of heads_: written when attention is done with
};

}  // namespace docmind::model
