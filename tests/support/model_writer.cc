// Writes GGUF models of random weights, for tests: every architecture and tensor type, any size.
// SPDX-License-Identifier: Apache-2.0
#include "support/model_writer.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "base/hash.h"
#include "gguf/split_name.h"
#include "support/model_vocabulary.h"
#include "support/random_blocks.h"

namespace docmind::test {
namespace {

using kernels::TensorType;

struct RandomTensor {
  std::string name;
  std::vector<int64_t> dims;
  TensorType type = TensorType::kF32;
  float mean = 0;  // F32 only
  float deviation = 0;
};

std::string_view name_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::kLlama: return "llama";
    case Architecture::kQwen2: return "qwen2";
    case Architecture::kQwen3: return "qwen3";
    case Architecture::kBert: return "bert";
  }
  return "";
}

// Lists the tensors of a model in the order of a converter. Deviations keep activations near 1 and
// make next-token distributions peaked enough that errors show.
class TensorList {
 public:
  explicit TensorList(const ModelSpec& spec) : spec_(spec) {}

  std::vector<RandomTensor> make() {
    if (spec_.architecture == Architecture::kBert) bert();
    else decoder();
    return std::move(tensors_);
  }

 private:
  void matrix(const std::string& name, int64_t n_in, int64_t n_out, float gain = 1) {
    std::optional<TensorType> type;
    if (spec_.type_of) type = spec_.type_of(name);
    tensors_.push_back(
        {name, {n_in, n_out}, type.value_or(spec_.type), 0, gain / std::sqrt(static_cast<float>(n_in))});
  }
  void vector(const std::string& name, int64_t n, float mean = 0) {
    tensors_.push_back({name, {n}, TensorType::kF32, mean, 0.1f});
  }
  void norm(const std::string& name, int64_t n) { vector(name + ".weight", n, 1); }

  void decoder() {
    matrix("token_embd.weight", spec_.n_embd, spec_.n_vocab, spec_.logit_gain);
    norm("output_norm", spec_.n_embd);
    if (!spec_.tied_output) matrix("output.weight", spec_.n_embd, spec_.n_vocab, spec_.logit_gain);
    if (spec_.rope == ModelRope::kLlama3) {
      tensors_.push_back({"rope_freqs.weight", {spec_.head_dim / 2}, TensorType::kF32, 4.5f, 1});
    }
    for (int64_t layer = 0; layer < spec_.n_layers; ++layer) decoder_layer(fmt::format("blk.{}.", layer));
  }

  void decoder_layer(const std::string& at) {
    const int64_t q = spec_.n_heads * spec_.head_dim;
    const int64_t kv = spec_.n_kv_heads * spec_.head_dim;
    norm(at + "attn_norm", spec_.n_embd);
    matrix(at + "attn_q.weight", spec_.n_embd, q);
    matrix(at + "attn_k.weight", spec_.n_embd, kv);
    matrix(at + "attn_v.weight", spec_.n_embd, kv);
    if (spec_.architecture == Architecture::kQwen2) {
      vector(at + "attn_q.bias", q);
      vector(at + "attn_k.bias", kv);
      vector(at + "attn_v.bias", kv);
    }
    if (spec_.architecture == Architecture::kQwen3) {
      norm(at + "attn_q_norm", spec_.head_dim);
      norm(at + "attn_k_norm", spec_.head_dim);
    }
    matrix(at + "attn_output.weight", q, spec_.n_embd);
    norm(at + "ffn_norm", spec_.n_embd);
    matrix(at + "ffn_gate.weight", spec_.n_embd, spec_.n_ff);
    matrix(at + "ffn_up.weight", spec_.n_embd, spec_.n_ff);
    matrix(at + "ffn_down.weight", spec_.n_ff, spec_.n_embd);
  }

  void bert() {
    matrix("token_embd.weight", spec_.n_embd, spec_.n_vocab);
    tensors_.push_back({"position_embd.weight", {spec_.n_embd, spec_.n_context}, TensorType::kF32, 0, 0.05f});
    tensors_.push_back({"token_types.weight", {spec_.n_embd, 2}, TensorType::kF32, 0, 0.05f});
    biased_norm("token_embd_norm");
    for (int64_t layer = 0; layer < spec_.n_layers; ++layer) bert_layer(fmt::format("blk.{}.", layer));
    if (!spec_.classifier) return;
    linear("cls", spec_.n_embd, spec_.n_embd);
    tensors_.push_back({"cls.output.weight", {spec_.n_embd, 1}, TensorType::kF32, 0, 0.2f});
    vector("cls.output.bias", 1);
  }

  void bert_layer(const std::string& at) {
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"})
      linear(at + name, spec_.n_embd, spec_.n_embd);
    biased_norm(at + "attn_output_norm");
    linear(at + "ffn_up", spec_.n_embd, spec_.n_ff);
    linear(at + "ffn_down", spec_.n_ff, spec_.n_embd);
    biased_norm(at + "layer_output_norm");
  }
  void linear(const std::string& name, int64_t n_in, int64_t n_out) {
    matrix(name + ".weight", n_in, n_out);
    vector(name + ".bias", n_out);
  }
  void biased_norm(const std::string& name) {
    norm(name, spec_.n_embd);
    vector(name + ".bias", spec_.n_embd);
  }

  const ModelSpec& spec_;
  std::vector<RandomTensor> tensors_;
};

void add_rope(gguf::Writer& writer, const std::string& at, const ModelSpec& spec) {
  writer.add(at + "rope.freq_base", spec.architecture == Architecture::kLlama ? 10'000.0f : 1'000'000.0f);
  writer.add(at + "rope.dimension_count", static_cast<uint32_t>(spec.head_dim));
  if (spec.rope != ModelRope::kLinear && spec.rope != ModelRope::kYarn) return;
  writer.add(at + "rope.scaling.type", spec.rope == ModelRope::kLinear ? "linear" : "yarn");
  writer.add(at + "rope.scaling.factor", spec.rope_factor);
  writer.add(at + "rope.scaling.original_context_length", static_cast<uint32_t>(spec.rope_original_context));
}

void add_metadata(gguf::Writer& writer, const ModelSpec& spec) {
  const std::string at = fmt::format("{}.", name_of(spec.architecture));
  const auto number = [&](std::string_view key, int64_t value) {
    writer.add(at + std::string(key), static_cast<uint32_t>(value));
  };
  writer.add("general.architecture", name_of(spec.architecture));
  writer.add("general.name", fmt::format("random {}", name_of(spec.architecture)));
  writer.add<uint32_t>("general.quantization_version", 2);
  number("block_count", spec.n_layers);
  number("context_length", spec.n_context);
  number("embedding_length", spec.n_embd);
  number("feed_forward_length", spec.n_ff);
  number("attention.head_count", spec.n_heads);
  if (spec.architecture == Architecture::kBert) {
    writer.add(at + "attention.layer_norm_epsilon", 1e-12f);
    writer.add(at + "attention.causal", false);
    number("pooling_type", spec.pooling);
  } else {
    number("attention.head_count_kv", spec.n_kv_heads);
    number("attention.key_length", spec.head_dim);
    number("attention.value_length", spec.head_dim);
    writer.add(at + "attention.layer_norm_rms_epsilon", 1e-6f);
    add_rope(writer, at, spec);
  }
  add_vocabulary(writer, spec);
  if (spec.extra_metadata) spec.extra_metadata(writer);
}

Status write_tensor(gguf::Writer& writer, const RandomTensor& tensor, uint64_t seed) {
  const auto type = kernels::tensor_type_info(tensor.type);
  int64_t n_rows = 1;
  for (size_t d = 1; d < tensor.dims.size(); ++d) n_rows *= tensor.dims[d];
  Random random(seed ^ hash64(tensor.name));
  std::vector<std::byte> row(kernels::row_bytes(type, tensor.dims[0]));
  for (int64_t i = 0; i < n_rows; ++i) {
    fill_random_blocks(tensor.type, tensor.deviation, random, row);
    for (size_t at = 0; tensor.mean != 0 && at < row.size(); at += sizeof(float)) {
      float value;
      std::memcpy(&value, &row[at], sizeof(value));
      value += tensor.mean;
      std::memcpy(&row[at], &value, sizeof(value));
    }
    DM_TRY(writer.append(row));
  }
  return {};
}

Status write_file(const ModelSpec& spec, const std::string& path, std::span<const RandomTensor> tensors,
                  int number, size_t n_tensors) {
  DM_ASSIGN(gguf::Writer writer, gguf::Writer::create(path, {.alignment = spec.alignment}));
  if (number == 0) add_metadata(writer, spec);
  if (spec.n_files > 1) {
    writer.add("split.no", static_cast<uint16_t>(number));
    writer.add("split.count", static_cast<uint16_t>(spec.n_files));
    writer.add("split.tensors.count", static_cast<int32_t>(n_tensors));
  }
  for (const RandomTensor& tensor : tensors) {
    writer.declare({tensor.name, tensor.dims, static_cast<uint32_t>(tensor.type)});
  }
  for (const RandomTensor& tensor : tensors) DM_TRY(write_tensor(writer, tensor, spec.seed));
  return writer.finish();
}

}  // namespace

ModelSpec with_mixed_types(ModelSpec spec) {
  spec.type = TensorType::kQ4_K;
  spec.type_of = [tied = spec.tied_output](std::string_view name) -> std::optional<TensorType> {
    if (name == "output.weight" || (tied && name == "token_embd.weight")) return TensorType::kQ6_K;
    const bool wide = name.ends_with("attn_v.weight") || name.ends_with("ffn_down.weight");
    if (wide && name.starts_with("blk.0.")) return TensorType::kQ6_K;
    return std::nullopt;
  };
  return spec;
}

Result<std::string> write_model(const ModelSpec& spec, const std::string& path) {
  const std::vector<RandomTensor> tensors = TensorList(spec).make();
  const auto n_files = static_cast<size_t>(spec.n_files);
  if (n_files <= 1) {
    DM_TRY(write_file(spec, path, tensors, 0, tensors.size()));
    return path;
  }
  const std::string_view stem =
      std::string_view(path).substr(0, path.size() - (path.ends_with(".gguf") ? 5 : 0));
  const gguf::SplitName name{std::string(stem), 1, static_cast<uint32_t>(n_files)};
  for (size_t i = 0; i < n_files; ++i) {
    const size_t begin = tensors.size() * i / n_files;
    const size_t end = tensors.size() * (i + 1) / n_files;
    DM_TRY(write_file(spec, name.path(static_cast<uint32_t>(i + 1)),
                      std::span(tensors).subspan(begin, end - begin), static_cast<int>(i), tensors.size()));
  }
  return name.path(1);
}

}  // namespace docmind::test
