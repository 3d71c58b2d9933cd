// EncoderPass: one forward pass of a bidirectional model over a ragged batch of sequences.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_pass.h"

#include <algorithm>
#include <cmath>

#include "model/encoder_scratch.h"

namespace docmind::model {

EncoderPass::EncoderPass(const EncoderWeights& weights, const kernels::KernelTable& table, ThreadTeam& team,
                         int64_t max_tokens, int64_t max_blocks)
  : weights_(weights),
    config_(weights.config),
    table_(table),
    executor_(table, team, encoder_scratch(config_, weights.matrices(), max_tokens)),
    max_blocks_(max_blocks),
    kv_(config_.n_heads, config_.head_dim) {
  weights.for_each_layer_matrix([&](const Linear& linear) {
    exact_ = exact_ && !kernels::uses_quantized_activations(linear.weight.type);
  });
  if (weights.observer != nullptr) executor_.watch(weights.observer, weights.names);
}

Status EncoderPass::allocate() {
  DM_TRY(kv_.allocate(max_blocks_));
  const int64_t n = config_.n_embd;
  DM_TRY(executor_.allocate({{&x_, n}, {&y_, n}, {&q_, encoder_row_width(config_)}}));
  k_ = q_ + executor_.max_rows() * n;
  v_ = k_ + executor_.max_rows() * n;
  attended_ = v_ + executor_.max_rows() * n;
  hidden_ = q_;  // written when attention is done with
  return {};
}

kernels::AttentionJob EncoderPass::attention_job() const {
  return {.q_stride = config_.n_embd,
          .out_stride = config_.n_embd,
          .n_heads = config_.n_heads,
          .n_kv_heads = config_.n_heads,
          .head_dim = config_.head_dim,
          .scale = 1 / std::sqrt(static_cast<float>(config_.head_dim)),
          .causal = false,
          .exact = exact_,
          .kv = {}};
}

kernels::AttentionJob EncoderPass::attention_job(const EncoderBatch::Part& part, int64_t row, int64_t n_queries) const {
  kernels::AttentionJob job = attention_job();
  job.q = q_ + row * config_.n_embd;
  job.out = attended_ + row * config_.n_embd;
  job.n_queries = n_queries;
  job.n_keys = part.n();
  job.kv = kv_.view(part.first_block);
  return job;
}

const float* EncoderPass::run(const EncoderBatch& batch, OutputRows rows) {
  embed(batch);
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    layer(batch, weights_.layers[i], i + 1 == weights_.layers.size() ? rows : OutputRows::kAll);
  }
  return x_;
}

void EncoderPass::embed(const EncoderBatch& batch) {
  const int64_t n = config_.n_embd;
  executor_.for_rows(batch.n_rows(), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const EncoderBatch::Token& token = batch.tokens()[static_cast<size_t>(t)];
      float* x = x_ + t * n;
      float* position = y_ + t * n;
      weights_.tokens.read(token.id, x);
      weights_.positions.read(token.position, position);
      if (weights_.type != nullptr) table_.add(x, weights_.type, n);
      table_.add(x, position, n);
      table_.layer_norm(x, weights_.embedding_norm.gain, weights_.embedding_norm.bias, n, config_.norm_eps, x);
    }
  });
}

void EncoderPass::add_and_norm(int64_t begin, int64_t end, const LayerNorm& norm) {
  for (int64_t t = begin; t < end; ++t) {
    float* x = x_ + t * config_.n_embd;
    table_.add(x, y_ + t * config_.n_embd, config_.n_embd);
    table_.layer_norm(x, norm.gain, norm.bias, config_.n_embd, config_.norm_eps, x);
  }
}

void EncoderPass::layer(const EncoderBatch& batch, const EncoderLayer& layer, OutputRows rows) {
  const int64_t n = config_.n_embd;
  const auto nothing = [](int64_t, int64_t) {};
  executor_.load(x_, n, batch.n_rows(), {&layer.q, &layer.k, &layer.v}, nothing);
  executor_.multiply({{.linear = &layer.q, .y = q_, .y_stride = n},
                      {.linear = &layer.k, .y = k_, .y_stride = n},
                      {.linear = &layer.v, .y = v_, .y_stride = n}});
  store_keys_and_values(batch);
  int64_t n_rows = batch.n_rows();
  if (rows == OutputRows::kAll) {
    attend_all(batch);
  } else {
    n_rows = static_cast<int64_t>(batch.parts().size());
    gather(batch, rows);
    attend_gathered(batch);
  }
  executor_.load(attended_, n, n_rows, {&layer.attention_output}, nothing);
  executor_.multiply({{.linear = &layer.attention_output, .y = y_, .y_stride = n}});
  executor_.load(x_, n, n_rows, {&layer.up},
                 [&](int64_t begin, int64_t end) { add_and_norm(begin, end, layer.attention_norm); });
  executor_.multiply({{.linear = &layer.up, .y = hidden_, .y_stride = config_.n_ff, .gelu = true}});
  executor_.load(hidden_, config_.n_ff, n_rows, {&layer.down}, nothing);
  executor_.multiply({{.linear = &layer.down, .y = y_, .y_stride = n}});
  executor_.for_rows(n_rows, [&](int64_t begin, int64_t end) { add_and_norm(begin, end, layer.output_norm); });
}

void EncoderPass::store_keys_and_values(const EncoderBatch& batch) {
  const int64_t d = config_.head_dim;
  executor_.for_rows(batch.n_rows(), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const EncoderBatch::Token& token = batch.tokens()[static_cast<size_t>(t)];
      const int64_t place = token.position % kernels::kKvBlockTokens;
      for (int64_t h = 0; h < config_.n_heads; ++h) {
        table_.to_half(k_ + t * config_.n_embd + h * d, d, kv_.keys(token.block, h, place));
        table_.to_half(v_ + t * config_.n_embd + h * d, d, kv_.values(token.block, h, place));
      }
    }
  });
}

void EncoderPass::gather(const EncoderBatch& batch, OutputRows rows) {
  const auto n = static_cast<size_t>(config_.n_embd);
  float* x = x_;
  float* q = q_;
  // A sequence's row is never before the place of its number, so nothing is overwritten too early.
  for (const EncoderBatch::Part& part : batch.parts()) {
    const int64_t row = part.first_row + (rows == OutputRows::kLast ? part.n() - 1 : 0);
    std::copy_n(x_ + row * config_.n_embd, n, x);
    std::copy_n(q_ + row * config_.n_embd, n, q);
    x += n;
    q += n;
  }
}

void EncoderPass::attend_all(const EncoderBatch& batch) {
  const auto n_tiles = static_cast<int64_t>(batch.tiles().size());
  executor_.for_items(n_tiles * config_.n_heads, [&](int64_t item, size_t thread) {
    const EncoderBatch::QueryTile& tile = batch.tiles()[static_cast<size_t>(item / config_.n_heads)];
    const EncoderBatch::Part& part = batch.parts()[static_cast<size_t>(tile.part)];
    kernels::AttentionJob job = attention_job(part, part.first_row, part.n());
    job.decode = tile.end - tile.begin <= Executor::kMaxDirectRows;
    executor_.attend(job, item % config_.n_heads, tile.begin, tile.end, thread);
  });
}

void EncoderPass::attend_gathered(const EncoderBatch& batch) {
  const auto n_parts = static_cast<int64_t>(batch.parts().size());
  executor_.for_items(n_parts * config_.n_heads, [&](int64_t item, size_t thread) {
    const int64_t i = item / config_.n_heads;
    kernels::AttentionJob job = attention_job(batch.parts()[static_cast<size_t>(i)], i, 1);
    job.decode = true;
    executor_.attend(job, item % config_.n_heads, 0, 1, thread);
  });
}

void EncoderPass::score(int64_t n_rows, float* scores) {
  const int64_t n = config_.n_embd;
  const auto nothing = [](int64_t, int64_t) {};
  const float* rows = x_;
  if (weights_.has_dense) {
    executor_.load(x_, n, n_rows, {&weights_.dense}, nothing);
    executor_.multiply({{.linear = &weights_.dense, .y = y_, .y_stride = n}});
    for (int64_t i = 0; i < n_rows * n; ++i) y_[i] = std::tanh(y_[i]);
    rows = y_;
  }
  executor_.load(rows, n, n_rows, {&weights_.score}, nothing);
  executor_.multiply({{.linear = &weights_.score, .y = scores, .y_stride = 1}});
}

}  // namespace docmind::model
