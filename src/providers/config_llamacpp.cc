// A plan as the command line, environment and unit of llama.cpp's server, with its embedder and reranker beside it.
// Sources: tools/server/README.md and ggml's CMakeLists.txt of llama.cpp (2026).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "providers/config_plan.h"
#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

constexpr int64_t kLlamaServerPort = 8080;
constexpr std::string_view kFirstScaledContext = "b10754";  // before, the server capped sequences at the file's context
constexpr std::string_view kFirstFlashAttentionValue = "b6325";

void add_llamacpp_kv(std::vector<ConfigSetting>& settings, const ConfigTask& task) {
  const ProviderKv& kv = task.kv;
  if (kv.keys != "f16") {
    settings.push_back({.flag = "-ctk", .variable = "LLAMA_ARG_CACHE_TYPE_K", .value = kv.keys, .why = "keys"});
  }
  if (kv.values != "f16") {
    settings.push_back({.flag = "-ctv", .variable = "LLAMA_ARG_CACHE_TYPE_V", .value = kv.values,
                        .why = kv.keys == kv.values ? "values" : "values; they bear fewer bits than keys"});
  }
  ConfigSetting flash{.flag = "-fa", .variable = "LLAMA_ARG_FLASH_ATTN", .value = "on",
                      .why = "flash attention: the plan counts no matrix of scores, and quantized values need it"};
  if (!task.version.has(kFirstFlashAttentionValue)) flash.value = std::nullopt;  // a switch then
  settings.push_back(std::move(flash));
}

// Arch names of GGUF; anything else from a plan is no part of a key.
bool is_arch_name(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_';
  });
}

Status add_llamacpp_yarn(std::vector<ConfigSetting>& settings, const ConfigTask& task) {
  const control::PlanModel& model = task.plan.model;
  const int64_t native = model.file_context > 0 ? model.file_context : model.trained_context;
  DM_ASSIGN(const std::optional<YarnScale> yarn, yarn_of(task.plan, native));
  if (!yarn) return {};
  settings.push_back({.flag = "--rope-scaling", .variable = "LLAMA_ARG_ROPE_SCALING_TYPE", .value = "yarn",
                      .why = fmt::format("the file has {} tokens of context; positions are stretched for {}",
                                         format_count(native), format_count(task.plan.context))});
  settings.push_back({.flag = "--rope-scale", .variable = "LLAMA_ARG_ROPE_SCALE", .value = std::to_string(yarn->factor),
                      .why = "by this factor, the least that suffices; it costs quality on short prompts"});
  settings.push_back({.flag = "--yarn-orig-ctx", .variable = "LLAMA_ARG_YARN_ORIG_CTX",
                      .value = std::to_string(yarn->original), .why = "the context of the training"});
  const bool capped = !task.version.known() || !task.version.has(kFirstScaledContext);
  if (capped && is_arch_name(model.architecture)) {
    settings.push_back({.flag = "--override-kv",
                        .value = fmt::format("{}.context_length=int:{}", model.architecture,
                                             yarn->factor * yarn->original),
                        .why = fmt::format("builds before {} give a sequence no more than the file's context, whatever "
                                           "the scaling; newer ones need no such line and take no harm",
                                           kFirstScaledContext)});
  }
  return {};
}

Result<std::vector<ConfigSetting>> llamacpp_settings_of(ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  DM_ASSIGN(std::string file, config_model_file(task));
  std::vector<ConfigSetting> settings;
  settings.push_back({.flag = "-m", .variable = "LLAMA_ARG_MODEL", .value = std::move(file),
                      .why = fmt::format("the file of weights, {} as planned", plan.weights)});
  settings.push_back({.flag = "-c", .variable = "LLAMA_ARG_CTX_SIZE",
                      .value = std::to_string(plan.context * plan.concurrent),
                      .why = fmt::format("the context of all sequences together: {}", context_words(plan))});
  settings.push_back({.flag = "-np", .variable = "LLAMA_ARG_N_PARALLEL", .value = std::to_string(plan.concurrent),
                      .why = "sequences at the same time; each has its share of -c"});
  add_llamacpp_kv(settings, task);
  settings.push_back({.flag = "-ngl", .variable = "LLAMA_ARG_N_GPU_LAYERS", .value = plan.device.gpu ? "999" : "0",
                      .why = plan.device.gpu ? "every layer on the GPU, as planned; fewer would be slower"
                                             : "no layer on a GPU: the plan is for the CPU"});
  DM_TRY(add_llamacpp_yarn(settings, task));
  if (task.options.threads > 0) {
    settings.push_back({.flag = "-t", .variable = "LLAMA_ARG_THREADS", .value = std::to_string(task.options.threads),
                        .why = "CPU threads"});
  }
  settings.push_back({.flag = "--jinja", .variable = "LLAMA_ARG_JINJA",
                      .why = "the model's own chat template (the default of newer builds)"});
  settings.push_back({.flag = "--host", .variable = "LLAMA_ARG_HOST", .value = "127.0.0.1",
                      .why = "reachable from this machine only"});
  settings.push_back({.flag = "--port", .variable = "LLAMA_ARG_PORT",
                      .value = std::to_string(task.port_or(kLlamaServerPort)),
                      .why = "always named: the default changes from 8080 to 9931 with newer builds"});
  settings.insert(settings.end(), task.extra.begin(), task.extra.end());
  return settings;
}

// A server for BGE-M3 or its reranker; they have no cache of keys and values, and an input must fit one pass.
ConfigProgram llamacpp_helper(const ConfigTask& task, bool reranker) {
  const std::string file = reranker ? "/path/to/bge-reranker-v2-m3-Q8_0.gguf" : "/path/to/bge-m3-Q8_0.gguf";
  ConfigProgram program{.title = reranker ? "llama-server with the reranker" : "llama-server with the embedder",
                        .unit = reranker ? "llama-reranker.service" : "llama-embedder.service",
                        .command = {"llama-server"}, .settings = {}};
  std::vector<ConfigSetting>& settings = program.settings;
  settings.push_back({.flag = "-m", .variable = "LLAMA_ARG_MODEL", .value = file,
                      .why = "replace it with where the file lies; Q8_0 as planned"});
  if (reranker) {
    settings.push_back({.flag = "--reranking", .variable = "LLAMA_ARG_RERANKING", .why = "scores pairs at /v1/rerank"});
  } else {
    settings.push_back({.flag = "--embedding", .variable = "LLAMA_ARG_EMBEDDINGS", .why = "embeds at /v1/embeddings"});
    settings.push_back({.flag = "--pooling", .variable = "LLAMA_ARG_POOLING", .value = "cls",
                        .why = "BGE-M3 takes the vector of the first token"});
  }
  settings.push_back({.flag = "-c", .variable = "LLAMA_ARG_CTX_SIZE", .value = "8192",
                      .why = "all the context that the model has"});
  settings.push_back({.flag = "-b", .variable = "LLAMA_ARG_BATCH", .value = "1024", .why = "as the next line"});
  settings.push_back({.flag = "-ub", .variable = "LLAMA_ARG_UBATCH", .value = "1024",
                      .why = "a text must fit one pass; more tokens take more memory"});
  settings.push_back({.flag = "-ngl", .variable = "LLAMA_ARG_N_GPU_LAYERS", .value = task.plan.device.gpu ? "999" : "0",
                      .why = "beside the language model, as planned"});
  settings.push_back({.flag = "--host", .variable = "LLAMA_ARG_HOST", .value = "127.0.0.1",
                      .why = "reachable from this machine only"});
  settings.push_back({.flag = "--port", .variable = "LLAMA_ARG_PORT",
                      .value = std::to_string(task.port_or(kLlamaServerPort) + (reranker ? 2 : 1)),
                      .why = "a port after that of the language model"});
  return program;
}

}  // namespace

Result<std::vector<ConfigSection>> llamacpp_config(ConfigTask& task) {
  DM_ASSIGN(task.kv, llamacpp_kv(task.kv_name(), task.plan.model.head_dim, task.plan.device.gpu));
  task.more_bytes = kv_bytes_beyond_plan(task.plan, task.kv);
  DM_TRY(check_config_fits(task));
  for (const std::string& warning : task.kv.warnings) task.warnings.push_back(warning);
  std::vector<ConfigProgram> programs;
  if (task.plan.with_rag) {
    programs.push_back(llamacpp_helper(task, false));
    programs.push_back(llamacpp_helper(task, true));
  }
  DM_ASSIGN(std::vector<ConfigSetting> settings, llamacpp_settings_of(task));
  programs.push_back({.title = "llama-server with the language model", .unit = "llama-server.service",
                      .command = {"llama-server"}, .settings = std::move(settings)});
  return program_sections(programs);
}

}  // namespace docmind::providers
