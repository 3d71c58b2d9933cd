// In which formats a provider can keep keys and values of a model, and what they take.
// SPDX-License-Identifier: Apache-2.0
#include "providers/plan_kv.h"

#include <fmt/format.h>

#include "kv/layout.h"

namespace docmind::providers {
namespace {

using control::KvOption;
using control::PlanModel;
using control::PlanProvider;

constexpr int64_t kBlockOf32 = 32;      // llama.cpp's q8_0 and q4_0
constexpr int64_t kRotatedHead = 64;    // its rotation needs heads of whole blocks of so many
constexpr int64_t kSmallModel = 2'500'000'000;  // parameters
constexpr double kScaleBits = 32;       // vLLM: of a scale of a token and head

double bytes_per_token(const PlanModel& model, double bits) {
  return static_cast<double>(2 * model.n_layers * model.n_kv_heads * model.head_dim) * bits / 8;
}

// 4 bits for keys: how much they lose depends on the model more than all else.
std::string four_bit_words(const PlanModel& model) {
  if (model.architecture == "qwen2") {
    return "q4_0; keys of Qwen2.5 have outliers: perplexity 6.58 -> 218 published for 4 bits; prefer k8v4";
  }
  if (model.head_dim % kRotatedHead != 0) {
    return fmt::format("q4_0, without rotation for heads of {}: expect a clear loss", model.head_dim);
  }
  if (model.n_parameters < kSmallModel) {
    return "q4_0, rotated: small models lose a lot, Qwen3-0.6B-Base, published: perplexity 13.5 -> 47.8; prefer k8v4";
  }
  return "q4_0, rotated; Qwen3-8B-Base, published: perplexity +2.2%, arithmetic in steps suffers more";
}

void add_llama_cpp(const PlanModel& model, bool equal_only, std::vector<KvOption>& out) {
  if (model.head_dim % kBlockOf32 != 0) return;
  out.push_back({"int8", bytes_per_token(model, 8.5), 0, 0, "q8_0; Llama-3-8B, published: KLD 0.001"});
  if (!equal_only) {
    out.push_back({"k8v4", bytes_per_token(model, 6.5), 0, 0,
                   "q8_0 for keys, q4_0 for values; published: perplexity +0.3% to +1.3%"});
  }
  out.push_back({"int4", bytes_per_token(model, 4.5), 0, 0, four_bit_words(model)});
}

// A scale a token and head; TurboQuant's values have a minimum as well, in half floats.
void add_vllm(const PlanModel& model, std::vector<KvOption>& out) {
  const double scale = kScaleBits / static_cast<double>(model.head_dim);
  out.push_back({"int8", bytes_per_token(model, 8 + scale), 0, 0, "int8_per_token_head; no figures are published"});
  out.push_back({"fp8", bytes_per_token(model, 8), 0, 0, "vLLM's own study: a negligible loss"});
  out.push_back({"k8v4", bytes_per_token(model, (8 + 4 + scale) / 2), 0, 0,
                 "turboquant_k8v4; vLLM's own figure: perplexity +1.2%"});
  out.push_back({"int4", bytes_per_token(model, 4 + scale), 0, 0,
                 "int4_per_token_head; vLLM's figure for the like turboquant_4bit_nc: perplexity +2.7%"});
}

struct NativeKv {
  kv::Format format;
  const char* quality;
};

// Pages are whole multiples of 64 tokens; two lengths give the line on which a long sequence lies.
void add_native(const PlanModel& model, int64_t prefill_tokens, std::vector<KvOption>& out) {
  constexpr int64_t kShort = 4'096, kLong = 65'536;
  static constexpr NativeKv kFormats[] = {
      {kv::Format::kF16, "exact"},
      {kv::Format::kInt8, "held to KLD 0.003 and same likeliest token 98.5%; stories260K: 0.00002, 99.8%"},
      {kv::Format::kK8V4, "between int8 and int4; 'docmind bench kv --quality' measures it for your model"},
      {kv::Format::kInt4, "held to KLD 0.02 and same likeliest token 96%; stories260K: 0.007, 96.4%"},
      {kv::Format::kMixed, "held to KLD 0.05 and same likeliest token 94%; stories260K: 0.017, 94.3%"}};
  const kv::Geometry geometry{
      .n_layers = model.n_layers, .n_kv_heads = model.n_kv_heads, .head_dim = model.head_dim};
  for (const NativeKv& one : kFormats) {
    kv::FormatOptions format;
    format.format = one.format;
    const Result<kv::Layout> layout = kv::Layout::create(geometry, format);
    if (!layout.ok()) continue;
    const auto shorter = static_cast<double>(layout->sequence_bytes(kShort));
    const auto longer = static_cast<double>(layout->sequence_bytes(kLong));
    KvOption option{.name = std::string(kv::format_name(one.format)),
                    .bytes_per_token = (longer - shorter) / static_cast<double>(kLong - kShort),
                    .quality = one.quality};
    option.fixed_bytes = static_cast<int64_t>(shorter - option.bytes_per_token * kShort);
    // A piece of a prompt is exact while it is read.
    if (layout->seals()) {
      const int64_t n_blocks = prefill_tokens / kernels::kKvBlockTokens + 1;
      option.scratch_bytes = n_blocks * static_cast<int64_t>(layout->block_bytes());
    }
    out.push_back(std::move(option));
  }
}

}  // namespace

std::vector<KvOption> plan_kv_options(const PlanModel& model, PlanProvider provider, int64_t prefill_tokens) {
  std::vector<KvOption> options;
  if (provider == PlanProvider::kNative) {
    add_native(model, prefill_tokens, options);
    return options;
  }
  options.push_back({"f16", bytes_per_token(model, 16), 0, 0, "exact"});
  if (provider == PlanProvider::kVllm) add_vllm(model, options);
  else add_llama_cpp(model, provider == PlanProvider::kOllama, options);
  return options;
}

}  // namespace docmind::providers
