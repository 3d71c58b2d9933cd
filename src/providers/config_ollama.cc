// A plan as Ollama's settings: the environment of its server, a drop-in for its unit, a Modelfile.
// Sources: Ollama's FAQ, context and Modelfile pages, envconfig and llm/llama_server.go (2026).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "providers/config_plan.h"
#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

constexpr int64_t kOllamaPort = 11434;
constexpr std::string_view kFirstContextVariable = "0.5.13";

// Ollama lowers a longer num_ctx to the file's context_length without an error, and has no setting for YaRN.
Status check_ollama_context(const control::PlanChoice& plan) {
  const control::PlanModel& model = plan.model;
  const int64_t file_context = model.file_context > 0 ? model.file_context : model.trained_context;
  if (file_context <= 0 || plan.context <= file_context) return {};
  std::string remedy = "plan for llama.cpp's server instead";
  const Result<std::optional<YarnScale>> yarn = yarn_of(plan, file_context);
  if (yarn.ok() && *yarn) {
    const std::string arch = ellipsize(printable(model.architecture.empty() ? "ARCH" : model.architecture), 40);
    remedy = fmt::format("write a GGUF whose metadata has {0}.context_length = {1}, {0}.rope.scaling.type = yarn, "
                         "{0}.rope.scaling.factor = {2} and {0}.rope.scaling.original_context_length = {3}, and plan "
                         "from that file, or {4}",
                         arch, plan.context, (*yarn)->factor, (*yarn)->original, remedy);
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("Ollama gives this model {} tokens of context (its file's context_length) and lowers {} to "
                           "that without saying so; {}",
                           format_count(file_context), format_count(plan.context), remedy)};
}

void add_ollama_kv(std::vector<ConfigSetting>& settings, const ProviderKv& kv) {
  if (!kv.quantized()) return;  // f16 is the default, and flash attention is chosen by itself
  settings.push_back({.variable = "OLLAMA_FLASH_ATTENTION", .value = "1",
                      .why = "quantized values need flash attention, and without it the next line does nothing"});
  settings.push_back({.variable = "OLLAMA_KV_CACHE_TYPE", .value = kv.keys,
                      .why = fmt::format("keys and values at {:g} bits an element; one type for both, for every model "
                                         "of this server", kv.bits)});
}

std::vector<ConfigSetting> ollama_server_settings(const ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  std::vector<ConfigSetting> settings;
  add_ollama_kv(settings, task.kv);
  if (task.version.has(kFirstContextVariable)) {
    settings.push_back({.variable = "OLLAMA_CONTEXT_LENGTH", .value = std::to_string(plan.context),
                        .why = "the context of requests that name none; the default depends on the GPU's memory and "
                               "may be 4,096"});
  }
  settings.push_back({.variable = "OLLAMA_NUM_PARALLEL", .value = std::to_string(plan.concurrent),
                      .why = fmt::format("sequences at the same time; keys and values are allocated for {} of them: "
                                         "{} x {} tokens",
                                         plan.concurrent, plan.concurrent, format_count(plan.context))});
  settings.push_back({.variable = "OLLAMA_MAX_LOADED_MODELS", .value = plan.with_rag ? "2" : "1",
                      .why = plan.with_rag ? "the planned model and the embedder; more would not fit"
                                           : "the planned model has the memory alone; the default is 3 for each GPU"});
  settings.push_back({.variable = "OLLAMA_KEEP_ALIVE", .value = "-1",
                      .why = "the model stays loaded, as the plan counts it; the default is 5m"});
  settings.push_back({.variable = "OLLAMA_HOST", .value = fmt::format("127.0.0.1:{}", task.port_or(kOllamaPort)),
                      .why = "reachable from this machine only"});
  return settings;
}

// A hand-written setting replaces the one of the same name that no plan decides (OLLAMA_KEEP_ALIVE).
void add_ollama_extra(std::vector<ConfigSetting>& settings, const std::vector<ConfigSetting>& extra) {
  for (const ConfigSetting& one : extra) {
    const auto same = std::find_if(settings.begin(), settings.end(), [&](const ConfigSetting& other) {
      return other.variable == one.variable && other.parameter == one.parameter && one.parameter != "stop";
    });
    if (same != settings.end()) *same = one;
    else settings.push_back(one);
  }
}

std::vector<ConfigSetting> ollama_parameters(const ConfigTask& task) {
  std::vector<ConfigSetting> settings;
  settings.push_back({.parameter = "num_ctx", .value = std::to_string(task.plan.context),
                      .why = "the context of one sequence"});
  if (task.options.threads > 0) {
    settings.push_back({.parameter = "num_thread", .value = std::to_string(task.options.threads),
                        .why = "CPU threads; Ollama has no variable for them"});
  }
  if (!task.plan.device.gpu) {
    settings.push_back({.parameter = "num_gpu", .value = "0", .why = "no layer on a GPU: the plan is for the CPU"});
  }
  return settings;
}

// The rest of a line is the value; quotes around it keep spaces at its ends.
Result<std::string> modelfile_value(std::string_view what, const std::string& value) {
  DM_TRY(check_config_value(what, value));
  const bool quote = value.find('"') != std::string::npos;
  const bool bare = trim(value) == value && !value.starts_with('"');
  if (bare) return value;
  if (!quote) return fmt::format("\"{}\"", value);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} '{}' cannot stand in a Modelfile: quotes, and a quote or a space at its ends", what,
                           ellipsize(printable(value), 80))};
}

bool is_ollama_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && is_alnum(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alnum(c) || std::string_view("._:/-").find(c) != std::string_view::npos;
  });
}

// What FROM names: a file if there is one, else the library's model in the planned type of weights.
Result<std::string> ollama_source(ConfigTask& task, std::string& why) {
  const control::PlanModel& model = task.plan.model;
  const bool has_file = !task.options.model_path.empty() || !model.file.empty();
  std::string tag;
  if (task.plan.weights == "Q8_0") tag = "-q8_0";
  else if (task.plan.weights == "F16") tag = "-fp16";
  const bool in_library = is_ollama_name(model.ollama) && (task.plan.weights == "Q4_K_M" || !tag.empty());
  if (!has_file && in_library) {
    why = fmt::format("the library's model; {} as the plan counts them",
                      tag.empty() ? "its usual weights are Q4_K_M," : "the tag stands for " + task.plan.weights + ",");
    if (!tag.empty()) {
      task.warnings.push_back(fmt::format("check that Ollama's library has '{}{}'; the name was not looked up",
                                          model.ollama, tag));
    }
    return model.ollama + tag;
  }
  DM_ASSIGN(std::string path, config_model_file(task));
  why = fmt::format("the file of weights, {} as planned", task.plan.weights);
  // A bare name would be looked up in the library.
  if (!path.starts_with('/') && !path.starts_with("./") && !path.starts_with("../")) path.insert(0, "./");
  return modelfile_value("the model's file", path);
}

void warn_ollama(ConfigTask& task) {
  for (const std::string& warning : task.kv.warnings) task.warnings.push_back(warning);
  if (!task.version.has(kFirstContextVariable)) {
    task.warnings.push_back(fmt::format("Ollama {} has no OLLAMA_CONTEXT_LENGTH ({} is the first); only models made "
                                        "from the Modelfile have the planned context",
                                        task.version.name(), kFirstContextVariable));
  }
  if (task.plan.with_rag) {
    task.warnings.push_back("Ollama has no endpoint for reranking: keep the reranker in docmind itself or on "
                            "llama.cpp's server; the embedder is `ollama pull bge-m3`");
  }
}

}  // namespace

Result<std::vector<ConfigSection>> ollama_config(ConfigTask& task) {
  DM_TRY(check_ollama_context(task.plan));
  DM_ASSIGN(task.kv, ollama_kv(task.kv_name(), task.plan.model.head_dim, task.version));
  task.more_bytes = kv_bytes_beyond_plan(task.plan, task.kv);
  DM_TRY(check_config_fits(task));
  ConfigProgram server{.title = "Ollama's server", .unit = "ollama.service", .has_unit = true,
                       .command = {"ollama", "serve"}, .settings = ollama_server_settings(task)};
  std::vector<ConfigSetting> parameters = ollama_parameters(task);
  std::vector<ConfigSetting> variables, extra_parameters;
  for (ConfigSetting one : task.extra) {
    if (one.parameter.empty()) {
      variables.push_back(std::move(one));
      continue;
    }
    if (one.value) {
      DM_ASSIGN(one.value, modelfile_value(one.parameter, *one.value));
    }
    extra_parameters.push_back(std::move(one));
  }
  add_ollama_extra(server.settings, variables);
  add_ollama_extra(parameters, extra_parameters);
  warn_ollama(task);
  std::string why_from;
  DM_ASSIGN(const std::string from, ollama_source(task, why_from));
  std::vector<ConfigSection> sections = program_sections({server});
  sections.push_back({ConfigForm::kModelfile, "Modelfile: ollama create NAME -f Modelfile",
                      modelfile(from, why_from, parameters)});
  return sections;
}

}  // namespace docmind::providers
