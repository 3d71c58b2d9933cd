// DecoderPass: one forward pass of a causal language model over a piece of a sequence.
//
// A layer is five loops over the team for one token: q, k and v; attention; its output; gate and up;
// down. The rows between them are so little work for few tokens that they stay on the calling thread.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_pass.h"

#include <algorithm>
#include <cmath>

namespace docmind::model {

DecoderPass::DecoderPass(const DecoderWeights& weights, const kernels::KernelTable& table, ThreadTeam& team,
                         int64_t max_tokens)
  : weights_(weights),
    config_(weights.config),
    table_(table),
    executor_(table, team, max_tokens),
    rope_(config_, weights.factors()),
    q_width_(config_.n_heads * config_.head_dim),
    kv_width_(config_.n_kv_heads * config_.head_dim) {
  weights.for_each_layer_matrix([&](const Linear& linear) {
    exact_ = exact_ && !kernels::uses_quantized_activations(linear.weight.type);
    executor_.fit(linear.weight);
  });
  executor_.fit(weights.output.weight);
  executor_.fit_attention(attention_job());
  executor_.fit_gated();
}

Status DecoderPass::allocate() {
  const int64_t shared_width = std::max(2 * q_width_ + 2 * kv_width_, config_.n_ff);
  DM_TRY(executor_.allocate({{&x_, config_.n_embd}, {&y_, config_.n_embd}, {&q_, shared_width},
                             {&cos_sin_, config_.n_rot}}));
  k_ = q_ + executor_.max_rows() * q_width_;
  v_ = k_ + executor_.max_rows() * kv_width_;
  attended_ = v_ + executor_.max_rows() * kv_width_;
  hidden_ = q_;  // written when attention is done with
  return {};
}

kernels::AttentionJob DecoderPass::attention_job() const {
  return {.n_heads = config_.n_heads,
          .n_kv_heads = config_.n_kv_heads,
          .head_dim = config_.head_dim,
          .scale = 1 / std::sqrt(static_cast<float>(config_.head_dim)),
          .exact = exact_,
          .kv = {}};
}

void DecoderPass::run(KvSequence& sequence, std::span<const TokenId> tokens, int64_t position, int64_t n_logit_rows,
                      float* logits) {
  const Piece piece{sequence, tokens, position};
  embed(piece);
  // Only keys and values of the last layer are needed of the rows before `first_row`.
  const int64_t first_row = piece.n() - n_logit_rows;
  for (int64_t i = 0; i < config_.n_layers; ++i) layer(piece, i, i + 1 == config_.n_layers ? first_row : 0);
  if (n_logit_rows == 0) return;
  executor_.load(y_ + first_row * config_.n_embd, config_.n_embd, n_logit_rows, {&weights_.output},
                 [&](int64_t begin, int64_t end) {
                   for (int64_t t = begin; t < end; ++t) norm_row(first_row + t, weights_.output_norm, true);
                 });
  executor_.multiply({{.linear = &weights_.output, .y = logits, .y_stride = config_.n_vocab}});
}

void DecoderPass::embed(const Piece& piece) {
  executor_.for_rows(piece.n(), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      weights_.embeddings.read(piece.tokens[static_cast<size_t>(t)], x_ + t * config_.n_embd);
      rope_.fill(piece.position + t, cos_sin_ + t * config_.n_rot);
    }
  });
}

void DecoderPass::norm_row(int64_t row, const float* gain, bool add_y) {
  float* x = x_ + row * config_.n_embd;
  float* y = y_ + row * config_.n_embd;
  if (add_y) table_.add(x, y, config_.n_embd);
  table_.rms_norm(x, gain, config_.n_embd, config_.rms_eps, y);
}

void DecoderPass::layer(const Piece& piece, int64_t index, int64_t first_row) {
  const DecoderLayer& layer = weights_.layers[static_cast<size_t>(index)];
  executor_.load(y_, config_.n_embd, piece.n(), {&layer.q, &layer.k, &layer.v}, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) norm_row(t, layer.attention_norm, index > 0);
  });
  const Product q{.linear = &layer.q, .y = q_, .y_stride = q_width_};
  const Product k{.linear = &layer.k, .y = k_, .y_stride = kv_width_};
  const Product v{.linear = &layer.v, .y = v_, .y_stride = kv_width_};
  const int64_t n_rows = piece.n() - first_row;
  if (n_rows == 0) executor_.multiply({k, v});
  else executor_.multiply({q, k, v});
  attend(piece, index, first_row);
  if (n_rows == 0) return;
  executor_.load(attended_ + first_row * q_width_, q_width_, n_rows, {&layer.attention_output},
                 [](int64_t, int64_t) {});
  executor_.multiply({{.linear = &layer.attention_output, .y = y_ + first_row * config_.n_embd,
                       .y_stride = config_.n_embd}});
  feed_forward(layer, first_row, n_rows);
}

void DecoderPass::rotate(float* head, const float* norm, int64_t token) {
  if (norm != nullptr) table_.rms_norm(head, norm, config_.head_dim, config_.rms_eps, head);
  table_.rope(head, cos_sin_ + token * config_.n_rot, config_.n_rot, config_.neox_rope);
}

void DecoderPass::prepare_heads(const Piece& piece, int64_t layer, int64_t kv_head, int64_t begin, int64_t end) {
  const DecoderLayer& weights = weights_.layers[static_cast<size_t>(layer)];
  const int64_t d = config_.head_dim;
  const int64_t group = config_.n_heads / config_.n_kv_heads;
  for (int64_t t = begin; t < end; ++t) {
    float* k = k_ + t * kv_width_ + kv_head * d;
    rotate(k, weights.k_norm, t);
    table_.to_half(k, d, piece.sequence.keys(layer, kv_head, piece.position + t));
    table_.to_half(v_ + t * kv_width_ + kv_head * d, d, piece.sequence.values(layer, kv_head, piece.position + t));
    float* q = q_ + t * q_width_ + kv_head * group * d;
    for (int64_t i = 0; i < group; ++i) rotate(q + i * d, weights.q_norm, t);
  }
}

void DecoderPass::attend(const Piece& piece, int64_t layer, int64_t first_row) {
  kernels::AttentionJob job = attention_job();
  job.q = q_ + first_row * q_width_;
  job.q_stride = q_width_;
  job.out = attended_ + first_row * q_width_;
  job.out_stride = q_width_;
  job.n_queries = piece.n() - first_row;
  job.n_keys = piece.position + piece.n();
  job.first_position = piece.position + first_row;
  job.kv = piece.sequence.view(layer);

  // One token: a KV head's keys are needed by that head alone, so both happen in one loop.
  const bool together = piece.n() == 1;
  if (!together) {
    executor_.for_rows(piece.n(), [&](int64_t begin, int64_t end) {
      for (int64_t h = 0; h < config_.n_kv_heads; ++h) prepare_heads(piece, layer, h, begin, end);
    });
  }
  const int64_t n_tiles = (job.n_queries + Executor::kQueryTile - 1) / Executor::kQueryTile;
  executor_.for_items(together ? config_.n_kv_heads : n_tiles * config_.n_kv_heads, [&](int64_t item, size_t thread) {
    // The last queries see the most keys: their tiles first, so that no thread ends on a long one.
    const int64_t tile = n_tiles - 1 - item / config_.n_kv_heads;
    const int64_t kv_head = item % config_.n_kv_heads;
    if (together) prepare_heads(piece, layer, kv_head, 0, 1);
    const int64_t begin = tile * Executor::kQueryTile;
    if (tile >= 0) executor_.attend(job, kv_head, begin, std::min(begin + Executor::kQueryTile, job.n_queries), thread);
  });
}

void DecoderPass::feed_forward(const DecoderLayer& layer, int64_t first_row, int64_t n_rows) {
  float* y = y_ + first_row * config_.n_embd;
  executor_.load(y, config_.n_embd, n_rows, {&layer.gate, &layer.up}, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) norm_row(first_row + t, layer.ffn_norm, true);
  });
  executor_.gated(layer.gate, layer.up, hidden_, config_.n_ff);
  executor_.load(hidden_, config_.n_ff, n_rows, {&layer.down}, [](int64_t, int64_t) {});
  executor_.multiply({{.linear = &layer.down, .y = y, .y_stride = config_.n_embd}});
}

}  // namespace docmind::model
