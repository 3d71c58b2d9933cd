// The catalogue of shapes: models that can be planned by name, without a file.
// SPDX-License-Identifier: Apache-2.0
#include "providers/plan_shapes.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "kernels/tensor_type.h"

namespace docmind::providers {
namespace {

constexpr int64_t k32 = 32'768, k40 = 40'960, k128 = 131'072, k256 = 262'144;

// Qwen3 was trained with 32,768 tokens; its files say a quarter more, which is meant for the answer, and 131,072 are
// published with YaRN. The refresh of July 2025 was trained with 262,144. Qwen2.5 has YaRN from 7B on.
constexpr std::array kShapes = {
    PlanShape{"qwen3-32b", "qwen3", "qwen3", "Qwen/Qwen3-32B", "qwen3:32b", 64, 5120, 64, 8, 128, 25600, 151936, false,
              1e6, k40, k32, k128},
    PlanShape{"qwen3-14b", "qwen3", "qwen3", "Qwen/Qwen3-14B", "qwen3:14b", 40, 5120, 40, 8, 128, 17408, 151936, false,
              1e6, k40, k32, k128},
    PlanShape{"qwen3-8b", "qwen3", "qwen3", "Qwen/Qwen3-8B", "qwen3:8b", 36, 4096, 32, 8, 128, 12288, 151936, false,
              1e6, k40, k32, k128},
    PlanShape{"qwen3-4b", "qwen3", "qwen3", "Qwen/Qwen3-4B", "qwen3:4b", 36, 2560, 32, 8, 128, 9728, 151936, true, 1e6,
              k40, k32, k128},
    PlanShape{"qwen3-4b-instruct-2507", "qwen3", "qwen3", "Qwen/Qwen3-4B-Instruct-2507", "qwen3:4b-instruct", 36, 2560,
              32, 8, 128, 9728, 151936, true, 5e6, k256, k256, k256},
    PlanShape{"qwen3-1.7b", "qwen3", "qwen3", "Qwen/Qwen3-1.7B", "qwen3:1.7b", 28, 2048, 16, 8, 128, 6144, 151936, true,
              1e6, k40, k32, k128},
    PlanShape{"qwen3-0.6b", "qwen3", "qwen3", "Qwen/Qwen3-0.6B", "qwen3:0.6b", 28, 1024, 16, 8, 128, 3072, 151936, true,
              1e6, k40, k32, k128},
    PlanShape{"qwen2.5-14b", "qwen2.5", "qwen2", "Qwen/Qwen2.5-14B-Instruct", "qwen2.5:14b", 48, 5120, 40, 8, 128,
              13824, 152064, false, 1e6, k32, k32, k128},
    PlanShape{"qwen2.5-7b", "qwen2.5", "qwen2", "Qwen/Qwen2.5-7B-Instruct", "qwen2.5:7b", 28, 3584, 28, 4, 128, 18944,
              152064, false, 1e6, k32, k32, k128},
    PlanShape{"qwen2.5-3b", "qwen2.5", "qwen2", "Qwen/Qwen2.5-3B-Instruct", "qwen2.5:3b", 36, 2048, 16, 2, 128, 11008,
              151936, true, 1e6, k32, k32, k32},
    PlanShape{"qwen2.5-1.5b", "qwen2.5", "qwen2", "Qwen/Qwen2.5-1.5B-Instruct", "qwen2.5:1.5b", 28, 1536, 12, 2, 128,
              8960, 151936, true, 1e6, k32, k32, k32},
    PlanShape{"qwen2.5-0.5b", "qwen2.5", "qwen2", "Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5:0.5b", 24, 896, 14, 2, 64,
              4864, 151936, true, 1e6, k32, k32, k32},
    PlanShape{"llama-3.1-8b", "llama3", "llama", "meta-llama/Llama-3.1-8B-Instruct", "llama3.1:8b", 32, 4096, 32, 8,
              128, 14336, 128256, false, 5e5, k128, k128, k128},
    PlanShape{"llama-3.2-3b", "llama3", "llama", "meta-llama/Llama-3.2-3B-Instruct", "llama3.2:3b", 28, 3072, 24, 8,
              128, 8192, 128256, true, 5e5, k128, k128, k128},
    PlanShape{"llama-3.2-1b", "llama3", "llama", "meta-llama/Llama-3.2-1B-Instruct", "llama3.2:1b", 16, 2048, 32, 8, 64,
              8192, 128256, true, 5e5, k128, k128, k128},
};

// Lower case, without separators and what stands before a slash: equal for all spellings of a name.
std::string shape_key(std::string_view name) {
  if (const size_t slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string key;
  for (const char c : name) {
    if (is_alnum(c)) key += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    else if (c != '-' && c != '_' && c != ':' && c != '.' && c != ' ') key += c;
  }
  return key;
}

bool drop_suffix(std::string& text, std::string_view suffix) {
  if (text.size() <= suffix.size() || !text.ends_with(suffix)) return false;
  text.resize(text.size() - suffix.size());
  return true;
}

const PlanShape* shape_of_key(std::string_view key) {
  const auto found = std::ranges::find_if(kShapes, [&](const PlanShape& shape) {
    return key == shape_key(shape.name) || key == shape_key(shape.hugging_face) || key == shape_key(shape.ollama);
  });
  return found == kShapes.end() ? nullptr : &*found;
}

Error unknown_shape(std::string_view name, const std::string& key) {
  std::string base = key;
  if (drop_suffix(base, "instruct") || drop_suffix(base, "chat")) {
    if (const PlanShape* shape = shape_of_key(base)) {
      return {ErrorCode::kNotFound,
              fmt::format("there is no model '{}'; {} follows instructions as it is, plan with '{}'", printable(name),
                          shape->hugging_face, shape->name)};
    }
  }
  std::vector<std::string_view> names;
  std::string all;
  for (const PlanShape& shape : kShapes) {
    names.push_back(shape.name);
    all += fmt::format("{}{}", all.empty() ? "" : ", ", shape.name);
  }
  const auto nearest = nearest_name(name, names);
  return {ErrorCode::kNotFound,
          fmt::format("'{}' is neither a file nor a model that can be planned by name{}; there are {}", printable(name),
                      nearest ? fmt::format(", did you mean '{}'?", *nearest) : "", all)};
}

class ShapeTensors {
 public:
  void matrix(std::string name, int64_t rows, int64_t cols) {
    add(std::move(name), {cols, rows}, 2, kernels::TensorType::kF16);
  }
  void vector(std::string name, int64_t n) { add(std::move(name), {n, 1}, 1, kernels::TensorType::kF32); }
  [[nodiscard]] std::vector<PlanTensor> take() { return std::move(tensors_); }

 private:
  void add(std::string name, std::array<int64_t, 2> dims, int n_dims, kernels::TensorType type) {
    tensors_.push_back({.name = std::move(name), .dims = {dims[0], dims[1], 1, 1}, .n_dims = n_dims,
                        .gguf_type = static_cast<uint32_t>(type)});
  }
  std::vector<PlanTensor> tensors_;
};

void add_layer(const PlanShape& shape, const std::string& at, ShapeTensors& out) {
  const int64_t q_width = shape.n_heads * shape.head_dim, kv_width = shape.n_kv_heads * shape.head_dim;
  out.vector(at + "attn_norm.weight", shape.n_embd);
  out.matrix(at + "attn_q.weight", q_width, shape.n_embd);
  out.matrix(at + "attn_k.weight", kv_width, shape.n_embd);
  out.matrix(at + "attn_v.weight", kv_width, shape.n_embd);
  if (shape.architecture == "qwen2") {
    out.vector(at + "attn_q.bias", q_width);
    out.vector(at + "attn_k.bias", kv_width);
    out.vector(at + "attn_v.bias", kv_width);
  }
  if (shape.architecture == "qwen3") {
    out.vector(at + "attn_q_norm.weight", shape.head_dim);
    out.vector(at + "attn_k_norm.weight", shape.head_dim);
  }
  out.matrix(at + "attn_output.weight", shape.n_embd, q_width);
  out.vector(at + "ffn_norm.weight", shape.n_embd);
  out.matrix(at + "ffn_gate.weight", shape.n_ff, shape.n_embd);
  out.matrix(at + "ffn_up.weight", shape.n_ff, shape.n_embd);
  out.matrix(at + "ffn_down.weight", shape.n_embd, shape.n_ff);
}

}  // namespace

std::span<const PlanShape> plan_shapes() { return kShapes; }

Result<const PlanShape*> find_plan_shape(std::string_view name) {
  std::string key = shape_key(name);
  drop_suffix(key, "gguf");
  if (const PlanShape* shape = shape_of_key(key)) return shape;
  // Names that people use for the same models.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kOthers = {
      {{"qwen34b2507", "qwen3-4b-instruct-2507"},
       {"metallama318binstruct", "llama-3.1-8b"},
       {"llama318binstruct", "llama-3.1-8b"}}};
  for (const auto& [other, ours] : kOthers) {
    if (key == other) return shape_of_key(shape_key(ours));
  }
  return unknown_shape(name, key);
}

std::vector<PlanTensor> tensors_of(const PlanShape& shape) {
  ShapeTensors out;
  out.matrix("token_embd.weight", shape.n_vocab, shape.n_embd);
  for (int64_t i = 0; i < shape.n_layers; ++i) add_layer(shape, fmt::format("blk.{}.", i), out);
  out.vector("output_norm.weight", shape.n_embd);
  if (!shape.tied) out.matrix("output.weight", shape.n_vocab, shape.n_embd);
  if (shape.family == "llama3") out.vector("rope_freqs.weight", shape.head_dim / 2);
  return out.take();
}

}  // namespace docmind::providers
