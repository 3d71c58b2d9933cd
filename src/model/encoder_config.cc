// read_encoder_config: what a GGUF file says about a bidirectional model.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_config.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/config_reader.h"
#include "model/limits.h"

namespace docmind::model {

Result<EncoderConfig> read_encoder_config(const gguf::File& file) {
  const ConfigReader reader(file);
  EncoderConfig config;
  config.architecture = file.architecture();
  if (config.architecture != "bert") {
    return reader.error(ErrorCode::kUnsupported,
                        fmt::format("the architecture '{}' cannot embed or rerank here; bert can",
                                    printable(config.architecture)));
  }
  DM_ASSIGN(config.n_layers, reader.integer("block_count", 1, kMaxLayers));
  DM_ASSIGN(config.n_embd, reader.integer("embedding_length", 1, kMaxWidth));
  DM_ASSIGN(config.n_ff, reader.integer("feed_forward_length", 1, kMaxWidth));
  DM_ASSIGN(config.n_context, reader.integer("context_length", 1, kMaxContext));
  DM_ASSIGN(config.n_heads, reader.integer("attention.head_count", 1, kMaxHeads));
  config.head_dim = config.n_embd / config.n_heads;
  if (config.n_embd % config.n_heads != 0 || config.head_dim % 2 != 0 || config.head_dim > kMaxHeadDim) {
    return reader.error(ErrorCode::kMalformed,
                        fmt::format("{} columns cannot be shared by {} attention heads of an even width up to {}",
                                    config.n_embd, config.n_heads, kMaxHeadDim));
  }
  DM_ASSIGN(const double eps, reader.real("attention.layer_norm_epsilon", 0, 1));
  config.norm_eps = static_cast<float>(eps);
  DM_ASSIGN(const int64_t pooling, reader.integer_or("pooling_type", 0, 0, static_cast<int64_t>(Pooling::kRank)));
  config.pooling = static_cast<Pooling>(pooling);
  DM_ASSIGN(const bool causal, reader.boolean_or("attention.causal", false));
  if (causal) {
    return reader.error(ErrorCode::kUnsupported,
                        fmt::format("'{}' is true; encoders must see both directions",
                                    reader.full("attention.causal")));
  }
  const gguf::TensorInfo* embeddings = file.find_tensor("token_embd.weight");
  if (embeddings == nullptr) return reader.error(ErrorCode::kMalformed, "there is no tensor 'token_embd.weight'");
  config.n_vocab = embeddings->dims[1];
  if (config.n_vocab > kMaxVocabulary) {
    return reader.error(ErrorCode::kMalformed, fmt::format("'token_embd.weight' has {} rows; up to {} are allowed",
                                                           config.n_vocab, kMaxVocabulary));
  }
  return config;
}

}  // namespace docmind::model
