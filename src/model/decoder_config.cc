// read_decoder_config: what a GGUF file says about a causal language model.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/config_reader.h"
#include "model/limits.h"

namespace docmind::model {
namespace {

Status read_sizes(const ConfigReader& reader, DecoderConfig& config) {
  DM_ASSIGN(config.n_layers, reader.integer("block_count", 1, kMaxLayers));
  DM_ASSIGN(config.n_embd, reader.integer("embedding_length", 1, kMaxWidth));
  DM_ASSIGN(config.n_ff, reader.integer("feed_forward_length", 1, kMaxWidth));
  DM_ASSIGN(config.n_context, reader.integer("context_length", 1, kMaxContext));
  DM_ASSIGN(config.n_heads, reader.integer("attention.head_count", 1, kMaxHeads));
  DM_ASSIGN(config.n_kv_heads, reader.integer_or("attention.head_count_kv", config.n_heads, 1, config.n_heads));
  const int64_t even_share = config.n_embd / config.n_heads;
  DM_ASSIGN(config.head_dim, reader.integer_or("attention.key_length", even_share, 2, kMaxHeadDim));
  DM_ASSIGN(const double eps, reader.real("attention.layer_norm_rms_epsilon", 0, 1));
  config.rms_eps = static_cast<float>(eps);
  return {};
}

Status check_heads(const ConfigReader& reader, const DecoderConfig& config) {
  if (config.n_heads % config.n_kv_heads != 0) {
    return reader.error(ErrorCode::kMalformed, fmt::format("{} attention heads cannot share {} key heads evenly",
                                                           config.n_heads, config.n_kv_heads));
  }
  if (config.head_dim < 2 || config.head_dim > kMaxHeadDim || config.head_dim % 2 != 0) {
    return reader.error(ErrorCode::kMalformed, fmt::format("attention heads are {} wide; an even number from 2 to {} "
                                                           "is needed", config.head_dim, kMaxHeadDim));
  }
  DM_ASSIGN(const int64_t value_dim, reader.integer_or("attention.value_length", config.head_dim, 1, kMaxHeadDim));
  if (value_dim != config.head_dim) {
    return reader.error(ErrorCode::kUnsupported, fmt::format("keys are {} wide and values {}; only equal widths are "
                                                             "supported", config.head_dim, value_dim));
  }
  DM_ASSIGN(const int64_t n_experts, reader.integer_or("expert_count", 0, 0, kMaxWidth));
  if (n_experts > 0) {
    return reader.error(ErrorCode::kUnsupported, fmt::format("'{}' is {}; models of several experts are not supported",
                                                             reader.full("expert_count"), n_experts));
  }
  return {};
}

Status read_rope_scaling(const ConfigReader& reader, DecoderConfig& config) {
  // A factor without a type is linear, as files from before the type's introduction have it.
  DM_ASSIGN(const std::string_view type, reader.text_or("rope.scaling.type", "linear"));
  DM_ASSIGN(const double old_factor, reader.real_or("rope.scale_linear", 1, 0, kMaxRopeFactor));
  DM_ASSIGN(const double said_factor, reader.real_or("rope.scaling.factor", old_factor, 0, kMaxRopeFactor));
  const double factor = said_factor == 0 ? 1 : said_factor;  // 0 stands for none
  DM_ASSIGN(config.rope_original_context,
            reader.integer_or("rope.scaling.original_context_length", config.n_context, 1, kMaxContext));
  DM_ASSIGN(const double magnitude, reader.real_or("rope.scaling.attn_factor", 1, 1e-3, 1e3));
  config.yarn_attn_factor = static_cast<float>(magnitude);
  if (type == "none" || (type == "linear" && factor == 1)) return {};
  config.rope_factor = static_cast<float>(factor);
  if (type == "linear") {
    config.rope_scaling = RopeScaling::kLinear;
    return {};
  }
  if (type != "yarn") {
    return reader.error(ErrorCode::kUnsupported, fmt::format("'{}' is '{}'; none, linear and yarn are supported",
                                                             reader.full("rope.scaling.type"), printable(type)));
  }
  config.rope_scaling = RopeScaling::kYarn;
  DM_ASSIGN(const double ext_factor, reader.real_or("rope.scaling.yarn_ext_factor", 1, -1, 1));
  DM_ASSIGN(const double beta_fast, reader.real_or("rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6));
  DM_ASSIGN(const double beta_slow, reader.real_or("rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6));
  config.yarn_ext_factor = ext_factor < 0 ? 1 : static_cast<float>(ext_factor);
  config.yarn_beta_fast = static_cast<float>(beta_fast);
  config.yarn_beta_slow = static_cast<float>(beta_slow);
  return {};
}

Status read_rope(const ConfigReader& reader, DecoderConfig& config) {
  config.neox_rope = config.architecture != "llama";
  DM_ASSIGN(config.n_rot, reader.integer_or("rope.dimension_count", config.head_dim, 2, config.head_dim));
  if (config.n_rot % 2 != 0) {
    return reader.error(ErrorCode::kMalformed, fmt::format("'{}' is {}, not an even number",
                                                           reader.full("rope.dimension_count"), config.n_rot));
  }
  DM_ASSIGN(const double base, reader.real_or("rope.freq_base", 10'000, 1.0001, 1e12));
  config.rope_base = static_cast<float>(base);
  return read_rope_scaling(reader, config);
}

}  // namespace

Result<DecoderConfig> read_decoder_config(const gguf::File& file) {
  const ConfigReader reader(file);
  const std::string_view architecture = file.architecture();
  const auto known = {"llama", "qwen2", "qwen3"};
  if (std::ranges::find(known, architecture) == known.end()) {
    return reader.error(ErrorCode::kUnsupported,
                        fmt::format("the architecture '{}' cannot generate text here; llama, qwen2 and qwen3 can",
                                    printable(architecture)));
  }
  DecoderConfig config;
  config.architecture = architecture;
  DM_TRY(read_sizes(reader, config));
  DM_TRY(check_heads(reader, config));
  DM_TRY(read_rope(reader, config));
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
