// A plan as `vllm serve`: names of formats and flags depend on vLLM's version, and weights come from Hugging Face.
// Sources: vLLM's engine arguments, cache configuration and release notes (0.8 to 0.29).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "providers/config_plan.h"
#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

constexpr int64_t kVllmPort = 8000;

// A kind of repository that holds quantized weights of a model, and what it takes: matrices in those bits, the two
// embeddings in 16.
struct VllmVariant {
  std::string_view suffix;
  double bits;          // of a weight of a matrix, scales included
  double planned_bits;  // the least of a planned type that it may stand for
};
constexpr VllmVariant kVllmFp8{"-FP8", 8.01, 8.0};
constexpr VllmVariant kVllmAwq{"-AWQ", 4.16, 4.25};

// Bits of a weight in the GGUF types that a plan may name; 0: unknown.
double planned_weight_bits(std::string_view weights) {
  struct Known {
    std::string_view prefix;
    double bits;
  };
  constexpr std::array<Known, 12> kKnown = {{{"F32", 32}, {"F16", 16}, {"BF16", 16}, {"Q8_0", 8.5}, {"Q6_K", 6.56},
                                             {"Q5_K", 5.7}, {"Q5_0", 5.5}, {"Q4_K", 4.85}, {"Q4_0", 4.6},
                                             {"IQ4_XS", 4.25}, {"Q3_K", 3.9}, {"Q2_K", 3.0}}};
  for (const Known& known : kKnown) {
    if (weights.starts_with(known.prefix)) return known.bits;
  }
  return weights == "int8" ? 8.5 : weights == "int4" ? 4.6 : 0;
}

bool is_repository(std::string_view name) {
  const size_t slash = name.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < name.size() && name.size() <= 200 &&
         name.find('/', slash + 1) == std::string_view::npos && is_alnum(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_alnum(c) || c == '/' || c == '.' || c == '_' || c == '-';
         });
}

int64_t variant_bytes(const control::PlanModel& model, const VllmVariant& variant) {
  const double embeddings = std::min(2.0 * static_cast<double>(model.n_vocab) * static_cast<double>(model.n_embd),
                                     static_cast<double>(model.n_parameters));
  const double n_bytes = (static_cast<double>(model.n_parameters) - embeddings) * variant.bits / 8 + embeddings * 2;
  return n_bytes > 0 && n_bytes < 1e18 ? static_cast<int64_t>(n_bytes) : 0;
}

// A repository of quantized weights in place of a GGUF type, with its memory in place of the plan's.
Result<std::string> quantized_repository(ConfigTask& task, double planned_bits) {
  const control::PlanModel& model = task.plan.model;
  const VllmVariant& variant = planned_bits >= kVllmFp8.planned_bits ? kVllmFp8 : kVllmAwq;
  const std::string weights = ellipsize(printable(task.plan.weights), 40);
  if (planned_bits < variant.planned_bits) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the plan stores weights as '{}', a GGUF type that vLLM does not serve, and no usual kind "
                             "of repository is as small; plan with --weights Q4_K_M (4 bits, AWQ) or for llama.cpp",
                             weights)};
  }
  const auto part = std::find_if(task.plan.parts.begin(), task.plan.parts.end(),
                                 [](const control::PlanPart& one) { return one.name == "weights"; });
  const int64_t n_bytes = variant_bytes(model, variant);
  if (part != task.plan.parts.end() && part->n_bytes > 0 && n_bytes > 0) task.more_bytes += n_bytes - part->n_bytes;
  const std::string name = model.hugging_face + std::string(variant.suffix);
  task.warnings.push_back(fmt::format("vLLM does not serve the plan's weights '{}' (GGUF); '{}' is the usual name of "
                                      "{} weights of this model, about {} with embeddings in 16 bits. The name was "
                                      "not looked up: check it, or name another with --model-file",
                                      weights, name, variant.bits > 8 ? "8-bit" : "4-bit", memory_words(n_bytes)));
  return name;
}

Result<std::string> vllm_model(ConfigTask& task) {
  const std::string& given = task.options.model_path;
  if (given.ends_with(".gguf")) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("vLLM serves repositories of Hugging Face; '{}' is a GGUF file, which needs a plug-in "
                             "since 0.24 (vllm-gguf-plugin) and was experimental before. Name a repository, or write "
                             "the plan for llama.cpp", ellipsize(printable(given), 80))};
  }
  if (!given.empty()) {
    DM_TRY(check_config_value("the model", given));
    if (given.starts_with('-')) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is no name of a repository", printable(given))};
    }
    return given;
  }
  if (!is_repository(task.plan.model.hugging_face)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the plan names no repository of Hugging Face for '{}', and vLLM serves no GGUF file; "
                             "name one with --model-file, for example 'Qwen/Qwen3-14B'",
                             ellipsize(printable(task.plan.model.name), 60))};
  }
  const double bits = planned_weight_bits(task.plan.weights);
  if (bits >= 16) return task.plan.model.hugging_face;
  return quantized_repository(task, bits);
}

// The configuration of the repository has the model's own context; a GGUF may have been rewritten to the scaled one.
int64_t vllm_native_context(const control::PlanModel& model) {
  const bool rewritten = model.largest_context > model.trained_context && model.file_context >= model.largest_context;
  const int64_t native = rewritten ? model.trained_context : model.file_context;
  return native > 0 ? native : model.trained_context;
}

Status add_vllm_yarn(std::vector<ConfigSetting>& settings, const ConfigTask& task) {
  const control::PlanModel& model = task.plan.model;
  const int64_t native = vllm_native_context(model);
  DM_ASSIGN(const std::optional<YarnScale> yarn, yarn_of(task.plan, native));
  if (!yarn) return {};
  std::string scaling = fmt::format(R"("rope_type":"yarn","factor":{}.0,"original_max_position_embeddings":{})",
                                    yarn->factor, yarn->original);
  const std::string why = fmt::format("the model has {} tokens of context; positions are stretched by {} for {}, which "
                                      "costs quality on short prompts",
                                      format_count(native), yarn->factor, format_count(task.plan.context));
  if (!task.version.has("0.11.1")) {
    settings.push_back({.flag = "--rope-scaling", .value = fmt::format("{{{}}}", scaling),
                        .why = why + "; --hf-overrides takes its place since 0.11.1"});
    return {};
  }
  const bool parameters = task.version.has("0.12.0");  // follows Transformers 5, where the base lies beside the factor
  if (parameters && model.rope_base > 0) scaling += fmt::format(R"(,"rope_theta":{:.0f})", model.rope_base);
  settings.push_back({.flag = "--hf-overrides",
                      .value = fmt::format(R"({{"{}":{{{}}}}})", parameters ? "rope_parameters" : "rope_scaling",
                                           scaling),
                      .why = why + (parameters ? "; the key was rope_scaling before 0.12" : "")});
  return {};
}

// The share that is free for it: what display and driver take is left out, and what stands beside it on the card.
double vllm_memory_share(const control::PlanChoice& plan) {
  int64_t beside = 0;
  for (const control::PlanPart& part : plan.parts) {
    if (part.name == "rag" && plan.with_rag) beside = part.n_bytes;
  }
  const double share = static_cast<double>(plan.device.usable_bytes - beside) /
                       static_cast<double>(std::max<int64_t>(plan.device.memory_bytes, 1));
  return std::floor(share * 100) / 100;
}

Status add_vllm_memory(std::vector<ConfigSetting>& settings, const ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  if (!plan.device.gpu) {
    int64_t n_bytes = 0;
    for (const control::PlanPart& part : plan.parts) n_bytes += part.name == "kv" ? part.n_bytes : 0;
    const double gib = std::ceil(static_cast<double>(n_bytes) / static_cast<double>(1LL << 30));
    settings.push_back({.variable = "VLLM_CPU_KVCACHE_SPACE", .value = fmt::format("{:.0f}", std::max(gib, 1.0)),
                        .why = "GiB of keys and values on a CPU, as planned and rounded up"});
    return {};
  }
  const double share = vllm_memory_share(plan);
  if (!(share > 0 && share <= 1)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the plan's device leaves vLLM {:.2f} of its memory ({} usable of {}); that must be more "
                             "than 0 and at most 1",
                             share, memory_words(plan.device.usable_bytes), memory_words(plan.device.memory_bytes))};
  }
  settings.push_back({.flag = "--gpu-memory-utilization", .value = fmt::format("{:.2f}", share),
                      .why = fmt::format("{} of {}: without what display, driver{} take; vLLM fills all of it with its "
                                         "cache, and the default would be 0.9 or more",
                                         memory_words(static_cast<int64_t>(
                                             share * static_cast<double>(plan.device.memory_bytes))),
                                         memory_words(plan.device.memory_bytes),
                                         plan.with_rag ? ", embedder and reranker" : " and system")});
  return {};
}

Result<std::vector<ConfigSetting>> vllm_settings_of(ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  std::vector<ConfigSetting> settings;
  settings.push_back({.flag = "--max-model-len", .value = std::to_string(plan.context),
                      .why = "the context of one sequence"});
  settings.push_back({.flag = "--max-num-seqs", .value = std::to_string(plan.concurrent),
                      .why = fmt::format("sequences at the same time: {}", context_words(plan))});
  if (task.kv.keys != "auto") {
    settings.push_back({.flag = "--kv-cache-dtype", .value = task.kv.keys,
                        .why = fmt::format("keys and values at about {:g} bits an element, for the plan's '{}'",
                                           task.kv.bits, task.kv_name())});
  }
  DM_TRY(add_vllm_memory(settings, task));
  DM_TRY(add_vllm_yarn(settings, task));
  settings.push_back({.flag = "--host", .value = "127.0.0.1",
                      .why = "reachable from this machine only; the default is every address"});
  settings.push_back({.flag = "--port", .value = std::to_string(task.port_or(kVllmPort)), .why = "the port"});
  settings.insert(settings.end(), task.extra.begin(), task.extra.end());
  return settings;
}

}  // namespace

Result<std::vector<ConfigSection>> vllm_config(ConfigTask& task) {
  DM_ASSIGN(task.kv, vllm_kv(task.kv_name(), task.plan.device.gpu, task.version));
  task.more_bytes = kv_bytes_beyond_plan(task.plan, task.kv);
  DM_ASSIGN(const std::string model, vllm_model(task));
  DM_TRY(check_config_fits(task));
  for (const std::string& warning : task.kv.warnings) task.warnings.push_back(warning);
  if (task.options.threads > 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "vLLM has no number of threads; bind its cores with --set VLLM_CPU_OMP_THREADS_BIND=0-7"};
  }
  if (task.plan.with_rag) {
    task.warnings.push_back("one vLLM serves one model: embedder and reranker run beside it, in docmind itself or with "
                            "servers of their own");
  }
  DM_ASSIGN(std::vector<ConfigSetting> settings, vllm_settings_of(task));
  return program_sections({{.title = "vLLM", .unit = "vllm.service",
                            .command = {"vllm", "serve", model}, .settings = std::move(settings)}});
}

}  // namespace docmind::providers
