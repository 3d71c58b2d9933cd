// Configuration writers: checks the plan, lets the provider's writer make its sections, and puts them together.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_writer.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/config_plan.h"
#include "providers/provider_settings.h"

namespace docmind::providers {
namespace {

struct FormName {
  std::string_view name;
  ConfigForm form;
};
constexpr std::array<FormName, 5> kFormNames = {{{"all", ConfigForm::kAll},
                                                 {"shell", ConfigForm::kShell},
                                                 {"env", ConfigForm::kEnv},
                                                 {"systemd", ConfigForm::kSystemd},
                                                 {"modelfile", ConfigForm::kModelfile}}};

Result<std::vector<ConfigSection>> sections_of(ConfigTask& task) {
  switch (task.provider) {
    case control::PlanProvider::kOllama: return ollama_config(task);
    case control::PlanProvider::kLlamaCpp: return llamacpp_config(task);
    case control::PlanProvider::kVllm: return vllm_config(task);
    case control::PlanProvider::kNative: break;
  }
  return Error{ErrorCode::kInvalidArgument,
               "the native engine reads docmind's own configuration (docmind config); plans are exported for ollama, "
               "llamacpp or vllm"};
}

std::string config_head(const ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  std::string out = config_comment(fmt::format("'{}' with {} weights for {}, {}", plan.model.name, plan.weights,
                                               provider_title(task.provider), context_words(plan)));
  const int64_t total = plan.total_bytes + task.more_bytes;
  out += config_comment(fmt::format("Planned: {} of {} that '{}' has to give.", memory_words(total),
                                    memory_words(plan.device.usable_bytes), plan.device.name));
  for (const std::string& warning : task.warnings) out += config_comment("WARNING: " + warning);
  for (const std::string& note : task.kv.notes) out += config_comment("NOTE: " + note);
  return out;
}

// Sections of the wanted form; a single file keeps its form's own first line.
Result<std::string> config_text(const ConfigTask& task, const std::vector<ConfigSection>& sections) {
  const ConfigForm form = task.options.form;
  std::string body;
  size_t n_files = 0;
  for (const ConfigSection& section : sections) n_files += form == ConfigForm::kAll || section.form == form ? 1 : 0;
  if (n_files == 0) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} has no Modelfile; that is Ollama's. Its forms are shell, "
                                                          "env and systemd", provider_title(task.provider))};
  }
  for (const ConfigSection& section : sections) {
    if (form != ConfigForm::kAll && section.form != form) continue;
    // One form in one file says in its comments where it belongs; several are told apart by their titles.
    body += n_files > 1 ? fmt::format("\n# ==== {} ====\n", section.title)
                        : config_comment(fmt::format("This is: {}", section.title));
    body += section.text;
  }
  const std::string first = form == ConfigForm::kShell ? "#!/usr/bin/env bash\n" : "";
  return first + config_head(task) + body;
}

// Ollama runs llama.cpp's server, so their plans are the same.
bool runs_llama_server(control::PlanProvider provider) {
  return provider == control::PlanProvider::kLlamaCpp || provider == control::PlanProvider::kOllama;
}

void warn_of_plan(ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  if (plan.provider != task.provider && !(runs_llama_server(plan.provider) && runs_llama_server(task.provider))) {
    task.warnings.push_back(fmt::format("the plan was made for {}, and only weights, keys and values are counted anew "
                                        "for {}; a plan of its own is better",
                                        provider_title(plan.provider), provider_title(task.provider)));
  }
  for (const std::string& warning : kv_model_warnings(plan.model.architecture, plan.model.name,
                                                      plan.model.n_parameters, task.kv)) {
    task.warnings.push_back(warning);
  }
}

}  // namespace

Result<ConfigForm> parse_config_form(std::string_view text) {
  std::vector<std::string_view> names;
  for (const FormName& form : kFormNames) {
    if (form.name == text) return form.form;
    names.push_back(form.name);
  }
  const std::optional<std::string_view> nearest = nearest_name(text, names);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("there is no form '{}' of a configuration; there are {}{}", ellipsize(printable(text), 40),
                           fmt::join(names, ", "), nearest ? fmt::format("; did you mean '{}'?", *nearest) : "")};
}

Result<WrittenConfig> write_config(const control::PlanChoice& plan, control::PlanProvider provider,
                                   const ConfigWriterOptions& options) {
  DM_TRY(check_config_plan(plan, options));
  DM_ASSIGN(const ProviderVersion version, ProviderVersion::parse(provider, options.version));
  ConfigTask task{.plan = plan, .provider = provider, .options = options, .version = version, .extra = {},
                  .warnings = {}, .kv = {}};
  for (const std::string& text : options.extra) {
    DM_ASSIGN(ConfigSetting setting, check_provider_setting(provider, text, version));
    task.extra.push_back(std::move(setting));
  }
  DM_ASSIGN(const std::vector<ConfigSection> sections, sections_of(task));
  warn_of_plan(task);
  WrittenConfig written;
  DM_ASSIGN(written.text, config_text(task, sections));
  written.warnings = std::move(task.warnings);
  return written;
}

}  // namespace docmind::providers
