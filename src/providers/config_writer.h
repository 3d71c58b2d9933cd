// Configuration writers: a plan as the settings that Ollama, llama.cpp's server or vLLM really accept.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/planner.h"

namespace docmind::providers {

enum class ConfigForm {
  kAll,        // every form that the provider has, as sections of one text
  kShell,      // a script that starts the server
  kEnv,        // NAME=value lines (EnvironmentFile)
  kSystemd,    // a drop-in for Ollama, which comes with a unit; whole units for the others
  kModelfile,  // Ollama
};
[[nodiscard]] Result<ConfigForm> parse_config_form(std::string_view text);

struct ConfigWriterOptions {
  ConfigForm form = ConfigForm::kAll;
  std::string version{};      // of the provider, "0.14.0" (vLLM, Ollama) or "b10256" (llama.cpp); empty: current
  std::string model_path{};   // where the GGUF lies, for llama.cpp and a Modelfile; empty: a name to replace.
                              // vLLM: a repository or a folder in place of the plan's
  int64_t threads = 0;        // 0: left out
  int64_t port = 0;           // 0: the provider's own
  std::string kv{};           // in place of the plan's KV format; checked
  bool force = false;         // write a plan that does not fit, with a warning
  // Further settings as a user wrote them, NAME=value for variables, parameters or flags ("--load-mode=none",
  // "num_thread=8"), a name alone for switches ("--enforce-eager"): each is checked against what the provider knows.
  std::vector<std::string> extra{};
};

struct WrittenConfig {
  std::string text;                    // with a comment for each line
  std::vector<std::string> warnings;   // for people, also in the text
};

// kInvalidArgument for what does not exist or contradicts itself, with the nearest that does: KV types, variables,
// flags, a context that the provider cannot give. kLimit with the missing bytes for a plan that does not fit, unless
// forced: such a server would not start. `provider` may differ from the plan's own; the memory is then counted anew.
[[nodiscard]] Result<WrittenConfig> write_config(const control::PlanChoice& plan, control::PlanProvider provider,
                                                 const ConfigWriterOptions& options);

}  // namespace docmind::providers
