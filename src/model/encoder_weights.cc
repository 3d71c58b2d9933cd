// EncoderWeights: which tensors a bidirectional model has, and their shapes.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_weights.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/encoder_config.h"

namespace docmind::model {
namespace {

Status plan_norm(WeightPlan& plan, const std::string& stem, int64_t n, LayerNorm& norm) {
  DM_TRY(plan.vector(stem + ".weight", n, norm.gain));
  if (plan.has(stem + ".bias")) return plan.vector(stem + ".bias", n, norm.bias);
  plan.zeros(n, norm.bias);
  return {};
}

// Some files have q, k and v in one matrix, below each other.
Status plan_fused_qkv(WeightPlan& plan, const std::string& stem, int64_t n_embd, EncoderLayer& layer) {
  const bool has_bias = plan.has(stem + ".bias");
  int64_t begin = 0;
  for (Linear* linear : {&layer.q, &layer.k, &layer.v}) {
    const RowRange rows{.begin = begin, .n = n_embd, .n_total = 3 * n_embd};
    DM_TRY(plan.matrix(stem + ".weight", rows, n_embd, linear->weight));
    if (has_bias) DM_TRY(plan.vector(stem + ".bias", rows, linear->weight.bias));
    begin += n_embd;
  }
  return {};
}

Status plan_encoder_layer(WeightPlan& plan, const EncoderConfig& config, const std::string& at, EncoderLayer& layer) {
  const int64_t n = config.n_embd;
  if (plan.has(at + "attn_qkv.weight")) {
    DM_TRY(plan_fused_qkv(plan, at + "attn_qkv", n, layer));
  } else {
    DM_TRY(plan.linear(at + "attn_q", n, n, layer.q));
    DM_TRY(plan.linear(at + "attn_k", n, n, layer.k));
    DM_TRY(plan.linear(at + "attn_v", n, n, layer.v));
  }
  DM_TRY(plan.linear(at + "attn_output", n, n, layer.attention_output));
  DM_TRY(plan_norm(plan, at + "attn_output_norm", n, layer.attention_norm));
  DM_TRY(plan.linear(at + "ffn_up", config.n_ff, n, layer.up));
  DM_TRY(plan.linear(at + "ffn_down", n, config.n_ff, layer.down));
  return plan_norm(plan, at + "layer_output_norm", n, layer.output_norm);
}

Status plan_tables(const gguf::File& file, WeightPlan& plan, EncoderWeights& weights) {
  const EncoderConfig& config = weights.config;
  DM_ASSIGN(const gguf::TensorInfo* tokens, plan.check("token_embd.weight", config.n_vocab, config.n_embd));
  weights.tokens = RowTable(*tokens);
  const gguf::TensorInfo* positions = file.find_tensor("position_embd.weight");
  const int64_t n_positions = positions != nullptr ? positions->dims[1] : config.n_context;
  DM_ASSIGN(positions, plan.check("position_embd.weight", n_positions, config.n_embd));
  if (n_positions < config.n_context) {
    return Error{ErrorCode::kMalformed, fmt::format("'{}': 'position_embd.weight' has {} rows for a context of {}",
                                                    printable(file.path()), n_positions, config.n_context)};
  }
  weights.positions = RowTable(*positions);
  if (plan.has("token_types.weight")) DM_TRY(plan.first_row("token_types.weight", config.n_embd, weights.type));
  return plan_norm(plan, "token_embd_norm", config.n_embd, weights.embedding_norm);
}

// A head of several labels is a classifier of another kind; such a model still embeds.
Status plan_classifier(const gguf::File& file, WeightPlan& plan, EncoderWeights& weights) {
  EncoderConfig& config = weights.config;
  const gguf::TensorInfo* score = file.find_tensor("cls.output.weight");
  config.has_classifier = score != nullptr && score->dims[1] == 1;
  if (!config.has_classifier) return {};
  DM_TRY(plan.linear("cls.output", 1, config.n_embd, weights.score));
  weights.has_dense = plan.has("cls.weight");
  return weights.has_dense ? plan.linear("cls", config.n_embd, config.n_embd, weights.dense) : Status();
}

}  // namespace

Status EncoderWeights::plan(const gguf::File& file, WeightPlan& plan) {
  DM_ASSIGN(config, read_encoder_config(file));
  DM_TRY(plan_tables(file, plan, *this));
  layers.reserve(static_cast<size_t>(config.n_layers));  // the plan keeps pointers into it
  for (int64_t i = 0; i < config.n_layers; ++i) {
    DM_TRY(plan_encoder_layer(plan, config, fmt::format("blk.{}.", i), layers.emplace_back()));
  }
  return plan_classifier(file, plan, *this);
}

Status EncoderWeights::load(const gguf::File& file, const LoadOptions& options) {
  observer = options.observer;
  WeightPlan plan(file, options.quantize, observer != nullptr ? &names : nullptr);
  DM_TRY(this->plan(file, plan));
  DM_ASSIGN(memory, plan.pack(*options.kernels, *options.team, options.progress));
  return {};
}

std::vector<MatrixShape> EncoderWeights::matrices() const {
  std::vector<MatrixShape> shapes;
  for_each_layer_matrix([&](const Linear& linear) { shapes.push_back(shape_of(linear.weight)); });
  if (config.has_classifier) shapes.push_back(shape_of(score.weight));
  if (has_dense) shapes.push_back(shape_of(dense.weight));
  return shapes;
}

}  // namespace docmind::model
