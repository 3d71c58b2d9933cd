// DecoderWeights: which tensors a causal language model has, and their shapes.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_weights.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/decoder_config.h"
#include "model/key_scales.h"

namespace docmind::model {
namespace {

Status plan_layer(WeightPlan& plan, const DecoderConfig& config, const std::string& at, DecoderLayer& layer) {
  const int64_t q_width = config.n_heads * config.head_dim;
  const int64_t kv_width = config.n_kv_heads * config.head_dim;
  DM_TRY(plan.vector(at + "attn_norm.weight", config.n_embd, layer.attention_norm));
  DM_TRY(plan.linear(at + "attn_q", q_width, config.n_embd, layer.q));
  DM_TRY(plan.linear(at + "attn_k", kv_width, config.n_embd, layer.k));
  DM_TRY(plan.linear(at + "attn_v", kv_width, config.n_embd, layer.v));
  if (config.architecture == "qwen3") {
    DM_TRY(plan.vector(at + "attn_q_norm.weight", config.head_dim, layer.q_norm));
    DM_TRY(plan.vector(at + "attn_k_norm.weight", config.head_dim, layer.k_norm));
  }
  DM_TRY(plan.linear(at + "attn_output", config.n_embd, q_width, layer.attention_output));
  DM_TRY(plan.vector(at + "ffn_norm.weight", config.n_embd, layer.ffn_norm));
  DM_TRY(plan.linear(at + "ffn_gate", config.n_ff, config.n_embd, layer.gate));
  DM_TRY(plan.linear(at + "ffn_up", config.n_ff, config.n_embd, layer.up));
  return plan.linear(at + "ffn_down", config.n_embd, config.n_ff, layer.down);
}

// A tied model multiplies with the embeddings, so they are packed and looked up there; others are
// read row by row out of the file.
Status plan_vocabulary(WeightPlan& plan, DecoderWeights& weights) {
  const DecoderConfig& config = weights.config;
  DM_ASSIGN(const gguf::TensorInfo* embeddings, plan.check("token_embd.weight", config.n_vocab, config.n_embd));
  if (plan.has("output.weight")) {
    weights.embeddings = RowTable(*embeddings);
    return plan.linear("output", config.n_vocab, config.n_embd, weights.output);
  }
  return plan.matrix("token_embd.weight", config.n_vocab, config.n_embd, weights.output.weight);
}

Status check_factors(const gguf::File& file, const DecoderWeights& weights) {
  for (int64_t pair = 0; weights.rope_factors != nullptr && pair < weights.config.n_rot / 2; ++pair) {
    const float factor = weights.rope_factors[pair];
    if (factor >= 1e-6f && factor <= 1e6f) continue;
    return Error{ErrorCode::kMalformed, fmt::format("'{}': element {} of 'rope_freqs.weight' is {}; it must be from "
                                                    "1e-06 to 1e+06", printable(file.path()), pair, factor)};
  }
  return {};
}

}  // namespace

Status DecoderWeights::plan(const gguf::File& file, WeightPlan& plan) {
  DM_ASSIGN(config, read_decoder_config(file));
  DM_TRY(plan_vocabulary(plan, *this));
  DM_TRY(plan.vector("output_norm.weight", config.n_embd, output_norm));
  if (plan.has("rope_freqs.weight")) DM_TRY(plan.vector("rope_freqs.weight", config.n_rot / 2, rope_factors));
  layers.reserve(static_cast<size_t>(config.n_layers));  // the plan keeps pointers into it
  for (int64_t i = 0; i < config.n_layers; ++i) {
    DM_TRY(plan_layer(plan, config, fmt::format("blk.{}.", i), layers.emplace_back()));
  }
  return {};
}

Status DecoderWeights::load(const gguf::File& file, const LoadOptions& options) {
  observer = options.observer;
  WeightPlan plan(file, options.quantize, observer != nullptr ? &names : nullptr);
  DM_TRY(this->plan(file, plan));
  DM_ASSIGN(memory, plan.pack(*options.kernels, *options.team, options.progress));
  if (options.fold_key_scales) fold_key_scales(config, layers);
  if (!plan.has("output.weight")) embeddings = RowTable(output.weight);
  return check_factors(file, *this);
}

std::vector<MatrixShape> DecoderWeights::matrices() const {
  std::vector<MatrixShape> shapes = {shape_of(output.weight)};
  for_each_layer_matrix([&](const Linear& linear) { shapes.push_back(shape_of(linear.weight)); });
  return shapes;
}

}  // namespace docmind::model
