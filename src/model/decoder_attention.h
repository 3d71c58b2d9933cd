// DecoderAttention: the part of a decoder's layer in which a row meets the others of its sequence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "model/decoder_weights.h"
#include "model/executor.h"
#include "model/pass_state.h"

namespace docmind::model {

// Stores keys and values, seals the pages that come due and attends. Borrows everything.
class DecoderAttention {
 public:
  // Rows of a layer, by row of the pass; `attended` by live row.
  struct Rows {
    float* q = nullptr;         // [q_width], changed in place
    float* k = nullptr;         // [kv_width]
    float* v = nullptr;         // [kv_width]
    float* attended = nullptr;  // [q_width]
  };

  DecoderAttention(const DecoderWeights& weights, const kernels::KernelTable& table, Executor& executor, bool exact);

  // The job without queries and keys: what scratch it needs.
  [[nodiscard]] kernels::AttentionJob job() const;
  // For all rows of the pass keys and values, for the live ones their attention.
  void run(const PassState& pass, int64_t layer, const Rows& rows);

 private:
  // Rotates queries and keys of rows [begin, end) of an item and stores keys and values, for one KV head.
  void prepare(const PassState& pass, int64_t layer, const PassState::Span& span, int64_t kv_head);
  void rotate(float* head, const float* norm, const float* cos_sin);
  void seal(const PassState& pass, int64_t layer);
  void attend(const PassState& pass, int64_t layer, const PassState::QueryTile& tile, int64_t kv_head, size_t thread);

  const DecoderWeights& weights_;
  const DecoderConfig& config_;
  const kernels::KernelTable& table_;
  Executor& executor_;
  bool exact_;
  int64_t group_;  // query heads of a KV head
  int64_t q_width_, kv_width_;
  Rows rows_;  // of the layer in progress
};

}  // namespace docmind::model
