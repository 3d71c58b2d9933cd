// Settings as text: command lines, environment files, systemd units and Modelfiles, quoted so that no value can become
// a second line or a second word.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::providers {

// One setting of a program in each way that it can be given; an empty name: not in that way.
struct ConfigSetting {
  std::string flag{};                  // "-c", on a command line
  std::string variable{};              // "LLAMA_ARG_CTX_SIZE", in the environment
  std::string parameter{};             // "num_ctx", in a Modelfile
  std::optional<std::string> value{};  // none: a switch, "1" as a variable
  std::string why{};                   // its comment
};

// One server process.
struct ConfigProgram {
  std::string title{};                   // "llama-server with the embedder"
  std::string unit{};                    // "llama-server.service"
  bool has_unit = false;                 // it comes with that unit, so a drop-in gives only the environment
  std::vector<std::string> command{};    // {"llama-server"}
  std::vector<ConfigSetting> settings{};
};

// kInvalidArgument if `value` holds a control character or is not UTF-8: no form can carry that. `name` says whose.
[[nodiscard]] Status check_config_value(std::string_view name, std::string_view value);

// One word of a POSIX shell.
[[nodiscard]] std::string shell_word(std::string_view value);
// The value of a line of an EnvironmentFile; a shell that reads the file sees the same value.
[[nodiscard]] std::string env_file_value(std::string_view value);
// One word of Environment= or, with `command` (where $ is special), of ExecStart=.
[[nodiscard]] std::string systemd_word(std::string_view value, bool command);

// `text` as lines of "# " after `indent` spaces, about 100 columns wide; control characters are escaped.
[[nodiscard]] std::string config_comment(std::string_view text, size_t indent = 0);

// Values must have passed check_config_value(); titles and names of units are the program's own.
[[nodiscard]] std::string shell_script(const std::vector<ConfigProgram>& programs);
[[nodiscard]] std::string env_file(const ConfigProgram& program);
[[nodiscard]] std::string systemd_unit(const ConfigProgram& program);
[[nodiscard]] std::string systemd_unit_path(const ConfigProgram& program);
[[nodiscard]] std::string modelfile(std::string_view from, std::string_view why_from,
                                    const std::vector<ConfigSetting>& settings);

}  // namespace docmind::providers
