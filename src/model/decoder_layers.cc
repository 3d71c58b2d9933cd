// DecoderLayers: the arithmetic of a causal language model's layers, and the memory that it needs within one.
//
// A layer is five loops over the team for a few tokens: q, k and v; attention; its output; gate and up;
// down. The rows between them are so little work then that they stay on the calling thread.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_layers.h"

#include "model/decoder_scratch.h"

namespace docmind::model {
namespace {

// Whether products are in floats, so that attention is as well.
bool in_floats(const DecoderWeights& weights) {
  bool exact = true;
  weights.for_each_layer_matrix([&](const Linear& linear) {
    exact = exact && !kernels::uses_quantized_activations(linear.weight.type);
  });
  return exact;
}

}  // namespace

DecoderLayers::DecoderLayers(const DecoderWeights& weights, const kernels::KernelTable& table, ThreadTeam& team,
                             int64_t max_rows)
  : weights_(weights),
    config_(weights.config),
    table_(table),
    executor_(table, team, decoder_scratch(config_, weights.matrices(), max_rows)),
    rope_(config_, weights.factors()),
    attention_(weights, table, executor_, in_floats(weights)),
    q_width_(config_.n_heads * config_.head_dim),
    kv_width_(config_.n_kv_heads * config_.head_dim) {
  if (weights.observer != nullptr) executor_.watch(weights.observer, weights.names);
}

Status DecoderLayers::allocate() {
  DM_TRY(executor_.allocate({{&heads_.q, decoder_row_width(config_)}}));
  heads_.k = heads_.q + max_rows() * q_width_;
  heads_.v = heads_.k + max_rows() * kv_width_;
  heads_.attended = heads_.v + max_rows() * kv_width_;
  hidden_ = heads_.q;
  return {};
}

void DecoderLayers::embed(const PassState& pass) {
  const auto spans = pass.spans();
  executor_.for_items(static_cast<int64_t>(spans.size()), [&](int64_t i, size_t) {
    const PassState::Span& span = spans[static_cast<size_t>(i)];
    const PassState::Item& item = pass.item(span.item);
    for (int64_t row = span.begin; row < span.end; ++row) {
      const int64_t token = row - item.first_row;
      weights_.embeddings.read(item.tokens[static_cast<size_t>(token)], pass.x(row));
      rope_.fill(item.position + token, pass.cos_sin(row));
    }
  });
}

void DecoderLayers::norm_row(const PassState& pass, int64_t row, const float* gain, bool add_y) {
  if (add_y) table_.add(pass.x(row), pass.y(row), config_.n_embd);
  table_.rms_norm(pass.x(row), gain, config_.n_embd, config_.rms_eps, pass.y(row));
}

void DecoderLayers::load_norms(const PassState& pass, int64_t n_rows, const float* gain, bool add_y,
                               std::initializer_list<const Linear*> weights) {
  executor_.load(pass.y(0), config_.n_embd, n_rows, weights, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) norm_row(pass, t, gain, add_y);
  });
}

void DecoderLayers::run(PassState& pass, int64_t index) {
  const DecoderLayer& layer = weights_.layers[static_cast<size_t>(index)];
  load_norms(pass, pass.n_rows(), layer.attention_norm, index > 0, {&layer.q, &layer.k, &layer.v});
  executor_.multiply({{.linear = &layer.q, .y = heads_.q, .y_stride = q_width_},
                      {.linear = &layer.k, .y = heads_.k, .y_stride = kv_width_},
                      {.linear = &layer.v, .y = heads_.v, .y_stride = kv_width_}});
  if (index + 1 == config_.n_layers) pass.keep_wanted_rows();
  attention_.run(pass, index, heads_);
  if (pass.n_live_rows() == 0) return;
  executor_.load(heads_.attended, q_width_, pass.n_live_rows(), {&layer.attention_output}, [](int64_t, int64_t) {});
  executor_.multiply({{.linear = &layer.attention_output, .y = pass.y(0), .y_stride = config_.n_embd}});
  feed_forward(pass, layer);
}

void DecoderLayers::feed_forward(const PassState& pass, const DecoderLayer& layer) {
  load_norms(pass, pass.n_live_rows(), layer.ffn_norm, true, {&layer.gate, &layer.up});
  executor_.gated(layer.gate, layer.up, hidden_, config_.n_ff);
  executor_.load(hidden_, config_.n_ff, pass.n_live_rows(), {&layer.down}, [](int64_t, int64_t) {});
  executor_.multiply({{.linear = &layer.down, .y = pass.y(0), .y_stride = config_.n_embd}});
}

void DecoderLayers::write_logits(const PassState& pass) {
  if (pass.n_live_rows() == 0) return;
  load_norms(pass, pass.n_live_rows(), weights_.output_norm, true, {&weights_.output});
  executor_.multiply_to(weights_.output, pass.logit_rows());
}

}  // namespace docmind::model
