// What the writers of all providers need to know of a plan: whether its numbers make sense, whether it fits with the
// formats that the provider really has, and whether its context needs scaled positions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/planner.h"
#include "providers/config_kv.h"
#include "providers/config_text.h"
#include "providers/config_writer.h"

namespace docmind::providers {

// A plan on its way to a configuration. Borrows plan and options.
struct ConfigTask {
  const control::PlanChoice& plan;
  control::PlanProvider provider;
  const ConfigWriterOptions& options;
  ProviderVersion version;
  std::vector<ConfigSetting> extra;     // checked
  std::vector<std::string> warnings;    // the writer adds to them
  ProviderKv kv;                        // set by the writer
  int64_t more_bytes = 0;               // that the provider needs beyond the plan, known to the writer; may be negative

  [[nodiscard]] const std::string& kv_name() const { return options.kv.empty() ? plan.kv : options.kv; }
  [[nodiscard]] int64_t port_or(int64_t usual) const { return options.port > 0 ? options.port : usual; }
};

// kInvalidArgument for numbers that no server takes and for options out of range.
[[nodiscard]] Status check_config_plan(const control::PlanChoice& plan, const ConfigWriterOptions& options);

// Bytes that keys and values take in `kv`, less those of the plan; 0 if the plan does not say enough.
[[nodiscard]] int64_t kv_bytes_beyond_plan(const control::PlanChoice& plan, const ProviderKv& kv);

// kLimit with the missing bytes if the plan with more_bytes does not fit; a warning if that is forced.
[[nodiscard]] Status check_config_fits(ConfigTask& task);

// How far positions are to be stretched (YaRN) for the plan's context; none: not at all. `native` is the context that
// the server takes from the model without it.
struct YarnScale {
  int64_t factor = 1;
  int64_t original = 0;  // trained context
};
[[nodiscard]] Result<std::optional<YarnScale>> yarn_of(const control::PlanChoice& plan, int64_t native);

// The file of weights for servers that read GGUF: the option, else the plan's file, else a name to replace, which adds
// a warning. kInvalidArgument if it cannot be written down.
[[nodiscard]] Result<std::string> config_model_file(ConfigTask& task);

// "11.4 GiB": with a decimal where a plan is tight.
[[nodiscard]] std::string memory_words(int64_t n_bytes);
// "32,768 tokens for each of 5 sequences".
[[nodiscard]] std::string context_words(const control::PlanChoice& plan);

// Each section is a titled part of the text; with one form wanted there is one.
struct ConfigSection {
  ConfigForm form = ConfigForm::kShell;
  std::string title;
  std::string text;
};
[[nodiscard]] Result<std::vector<ConfigSection>> ollama_config(ConfigTask& task);
[[nodiscard]] Result<std::vector<ConfigSection>> llamacpp_config(ConfigTask& task);
[[nodiscard]] Result<std::vector<ConfigSection>> vllm_config(ConfigTask& task);

// The sections of server programs: one script, then the environment file and the unit of each.
[[nodiscard]] std::vector<ConfigSection> program_sections(const std::vector<ConfigProgram>& programs);

}  // namespace docmind::providers
