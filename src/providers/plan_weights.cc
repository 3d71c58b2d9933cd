// What a model's weights take in each type: by the mixes of the quantizer, or as a file has them.
// SPDX-License-Identifier: Apache-2.0
#include "providers/plan_weights.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/load_options.h"
#include "engine/text_memory.h"
#include "kernels/packed_matrix.h"
#include "kernels/tensor_type.h"
#include "model/model_bytes.h"
#include "quantize/tensor_choice.h"

namespace docmind::providers {
namespace {

constexpr size_t kFileAlignment = 32, kPackedAlignment = 64;

struct PublishedScheme {
  quantize::Scheme scheme;
  const char* name;
  const char* quality;
  double same_top;
};
// Llama-3-8B on the test set of wikitext, against F16: mean KL divergence, perplexity (6.2332 of F16), tokens with the
// same likeliest successor. Published without the last for Q5_K_M and Q4_K_S, where it is interpolated, for the order
// of choices alone, along the square root of the divergence.
constexpr std::array<PublishedScheme, 6> kPublished = {{
    {quantize::Scheme::kFp16, "F16", "as good as exact", 1.0},
    {quantize::Scheme::kQ8_0, "Q8_0",
     "Llama-3-8B, wikitext, published: KLD 0.0014, perplexity +0.04%, same likeliest token 97.7%", 0.9767},
    {quantize::Scheme::kQ6_K, "Q6_K",
     "Llama-3-8B, wikitext, published: KLD 0.0055, perplexity +0.35%, same likeliest token 96.0%", 0.9603},
    {quantize::Scheme::kQ5_K_M, "Q5_K_M", "Llama-3-8B, wikitext, published: KLD 0.011, perplexity +0.9%", 0.947},
    {quantize::Scheme::kQ4_K_M, "Q4_K_M",
     "Llama-3-8B, wikitext, published: KLD 0.031, perplexity +2.8%, same likeliest token 91.9%", 0.919},
    {quantize::Scheme::kQ4_K_S, "Q4_K_S", "Llama-3-8B, wikitext, published: KLD 0.043", 0.907},
}};

int64_t aligned(size_t n_bytes, size_t to) { return static_cast<int64_t>((n_bytes + to - 1) / to * to); }

bool is_embedding(const PlanTensor& tensor) { return tensor.name == "token_embd.weight"; }
bool is_multiplied(const PlanTensors& model, const PlanTensor& tensor) {
  return tensor.n_dims == 2 && tensor.dims[1] > 1 && (!is_embedding(tensor) || model.tied());
}

// Sums up one option, tensor by tensor.
class WeightSum {
 public:
  WeightSum(const PlanTensors& model, const NativePlan* native) : model_(model), native_(native) {}

  Status add(const PlanTensor& tensor, uint32_t gguf_type) {
    const auto type = kernels::find_tensor_type(gguf_type);
    const int64_t cols = tensor.dims[0];
    if (!type || cols % type->block_len != 0) {
      const std::string_view name = kernels::gguf_type_name(gguf_type);
      return Error{ErrorCode::kUnsupported,
                   fmt::format("the size of the tensor '{}' is not known: its type is {} and its rows have {} elements",
                               printable(tensor.name), name.empty() ? "unknown" : name, cols)};
    }
    const int64_t rows = tensor.n_elements() / cols;
    const auto in_file = static_cast<int64_t>(kernels::row_bytes(*type, cols)) * rows;
    file_bytes_ += aligned(static_cast<size_t>(in_file), kFileAlignment);
    const bool multiplied = is_multiplied(model_, tensor);
    if (native_ == nullptr) {
      if (multiplied) read_ += in_file;
      return {};
    }
    if (multiplied) {
      const size_t packed = kernels::packed_bytes(type->type, rows, cols);
      packed_ += aligned(packed, kPackedAlignment);
      read_ += static_cast<int64_t>(packed);
      matrices_.push_back({type->type, rows, cols});
    } else if (!is_embedding(tensor)) {
      packed_ += aligned(static_cast<size_t>(tensor.n_elements()) * sizeof(float), kPackedAlignment);
    }
    return {};
  }

  [[nodiscard]] control::WeightOption option(std::string name) const {
    control::WeightOption option{.name = std::move(name), .n_bytes = native_ != nullptr ? packed_ : file_bytes_,
                                 .decode_read_bytes = read_};
    option.bits_per_weight = 8 * static_cast<double>(file_bytes_) / static_cast<double>(model_.n_parameters());
    if (native_ != nullptr) option.scratch_bytes = static_cast<int64_t>(scratch());
    return option;
  }

 private:
  // As engine::text_memory() counts it.
  [[nodiscard]] size_t scratch() const {
    engine::EngineOptions options;
    options.scheduler.prefill_tokens = native_->prefill_tokens;
    const int64_t n_texts = options.scheduler.max_sequences;
    return model::decoder_scratch_bytes(model_.config, matrices_, native_->n_threads,
                                        engine::text_batch_tokens(options)) +
           model::forward_pass_bytes(model_.config, n_texts) +
           model::forward_pass_bytes(model_.config, native_->prefill_tokens) +
           static_cast<size_t>(n_texts * model_.config.n_vocab) * sizeof(float);
  }

  const PlanTensors& model_;
  const NativePlan* native_;
  std::vector<model::MatrixShape> matrices_;
  int64_t file_bytes_ = 0, packed_ = 0, read_ = 0;
};

Result<control::WeightOption> quantized(const PlanTensors& model, std::span<const quantize::TensorFacts> facts,
                                        const PublishedScheme& published, const NativePlan* native) {
  const model::DecoderConfig& config = model.config;
  DM_ASSIGN(const std::vector<quantize::TensorChoice> types,
            quantize::choose_types({.architecture = config.architecture, .n_layers = config.n_layers,
                                    .n_heads = config.n_heads, .n_kv_heads = config.n_kv_heads, .tied = model.tied()},
                                   facts, published.scheme, quantize::Level::kBalanced));
  WeightSum sum(model, native);
  for (size_t i = 0; i < types.size(); ++i) {
    const PlanTensor& tensor = model.tensors[i];
    DM_TRY(sum.add(tensor, types[i].keep ? tensor.gguf_type : static_cast<uint32_t>(types[i].type)));
  }
  control::WeightOption option = sum.option(published.name);
  add_published_quality(option);
  return option;
}

}  // namespace

bool PlanTensors::tied() const {
  return std::ranges::none_of(tensors, [](const PlanTensor& tensor) { return tensor.name == "output.weight"; });
}

int64_t PlanTensors::n_parameters() const {
  int64_t n = 0;
  for (const PlanTensor& tensor : tensors) n += tensor.n_elements();
  return n;
}

Result<control::WeightOption> weights_as_they_are(const PlanTensors& model, const std::string& name,
                                                  const NativePlan* native) {
  WeightSum sum(model, native);
  for (const PlanTensor& tensor : model.tensors) DM_TRY(sum.add(tensor, tensor.gguf_type));
  return sum.option(name);
}

Result<std::vector<control::WeightOption>> quantized_weights(const PlanTensors& model, const NativePlan* native) {
  std::vector<quantize::TensorFacts> facts;
  for (const PlanTensor& tensor : model.tensors) {
    quantize::TensorFacts fact{.name = tensor.name, .n_dims = tensor.n_dims};
    std::ranges::copy(tensor.dims, fact.dims);
    facts.push_back(fact);
  }
  std::vector<control::WeightOption> options;
  for (const PublishedScheme& published : kPublished) {
    DM_ASSIGN(control::WeightOption option, quantized(model, facts, published, native));
    options.push_back(std::move(option));
  }
  return options;
}

void add_published_quality(control::WeightOption& option) {
  const auto* found = std::ranges::find_if(kPublished, [&](const PublishedScheme& p) { return option.name == p.name; });
  if (found == kPublished.end()) return;
  option.quality = found->quality;
  option.same_top = found->same_top;
}

}  // namespace docmind::providers
