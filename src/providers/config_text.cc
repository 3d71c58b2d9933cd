// Settings as text, quoted for each form.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

constexpr size_t kCommentColumns = 98;
constexpr size_t kLongestCommentColumns = 1200;  // longer text from a plan says nothing to a reader

// Characters that mean themselves everywhere: in a shell, an EnvironmentFile and a unit.
bool is_plain_word(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return is_alnum(c) || std::string_view("_-./:,@+=").find(c) != std::string_view::npos;
  });
}

// `value` in double quotes, with a backslash before each of `special`.
std::string in_double_quotes(std::string_view value, std::string_view special) {
  std::string out = "\"";
  for (const char c : value) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string variable_value(const ConfigSetting& setting) { return setting.value.value_or("1"); }

// Flags of a program that a command line gives; the rest of its settings are variables alone.
bool on_command_line(const ConfigSetting& setting) { return !setting.flag.empty(); }

std::string shell_array(std::string_view name, const ConfigProgram& program) {
  std::string out = fmt::format("{}=(\n", name);
  for (const ConfigSetting& setting : program.settings) {
    if (!on_command_line(setting)) continue;
    out += config_comment(setting.why, 2);
    out += "  " + setting.flag + (setting.value ? " " + shell_word(*setting.value) : "") + "\n";
  }
  return out + ")\n";
}

std::string shell_command(const ConfigProgram& program) {
  std::string out;
  for (const std::string& word : program.command) out += (out.empty() ? "" : " ") + shell_word(word);
  return out;
}

std::string exec_start(const ConfigProgram& program) {
  std::string out;
  for (const ConfigSetting& setting : program.settings) {
    if (on_command_line(setting)) out += config_comment(setting.flag + ": " + setting.why);
  }
  // A file of the same name may be a drop-in of somebody's own unit: the empty line takes that unit's command away.
  out += "ExecStart=\nExecStart=/usr/bin/env";
  for (const std::string& word : program.command) out += " " + systemd_word(word, true);
  for (const ConfigSetting& setting : program.settings) {
    if (!on_command_line(setting)) continue;
    out += " \\\n  " + setting.flag + (setting.value ? " " + systemd_word(*setting.value, true) : "");
  }
  return out + "\n";
}

}  // namespace

Status check_config_value(std::string_view name, std::string_view value) {
  const bool control = std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!control && is_valid_utf8(value)) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} '{}' holds {}, which no configuration can carry", name,
                           ellipsize(printable(value), 80),
                           control ? "a control character" : "bytes that are not UTF-8")};
}

std::string shell_word(std::string_view value) {
  if (is_plain_word(value)) return std::string(value);
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  return out + "'";
}

std::string env_file_value(std::string_view value) {
  if (is_plain_word(value)) return std::string(value);
  if (value.find('\'') == std::string_view::npos) return fmt::format("'{}'", value);
  return in_double_quotes(value, "\"\\$`");
}

std::string systemd_word(std::string_view value, bool command) {
  if (is_plain_word(value)) return std::string(value);
  std::string doubled;  // % starts a specifier, $ a variable of a command line
  for (const char c : value) {
    doubled += c;
    if (c == '%' || (command && c == '$')) doubled += c;
  }
  return in_double_quotes(doubled, "\"\\");
}

std::string config_comment(std::string_view text, size_t indent) {
  const std::string line = ellipsize(printable(text), kLongestCommentColumns);
  std::string out;
  std::string_view rest = line;
  do {
    size_t cut = rest.size();
    if (cut > kCommentColumns) {
      cut = rest.rfind(' ', kCommentColumns);
      if (cut == std::string_view::npos || cut == 0) cut = rest.find(' ');
    }
    const std::string_view part = rest.substr(0, cut);
    rest = cut < rest.size() ? rest.substr(cut + 1) : std::string_view();
    // Some readers join a line that ends with a backslash to the next one, comments too.
    out += fmt::format("{:{}}# {}{}\n", "", indent, part, part.ends_with('\\') ? " ." : "");
  } while (!rest.empty());
  return out;
}

std::string shell_script(const std::vector<ConfigProgram>& programs) {
  std::string out;
  for (const ConfigProgram& program : programs) {
    for (const ConfigSetting& setting : program.settings) {
      if (on_command_line(setting) || setting.variable.empty()) continue;
      out += config_comment(setting.why);
      out += fmt::format("export {}={}\n", setting.variable, shell_word(variable_value(setting)));
    }
  }
  std::string starts;
  for (size_t i = 0; i < programs.size(); ++i) {
    const ConfigProgram& program = programs[i];
    const bool last = i + 1 == programs.size();
    std::string line = shell_command(program);
    if (std::any_of(program.settings.begin(), program.settings.end(), on_command_line)) {
      const std::string name = fmt::format("args{}", programs.size() > 1 ? std::to_string(i + 1) : "");
      out += config_comment(program.title) + shell_array(name, program);
      line += fmt::format(" \"${{{}[@]}}\"", name);
    }
    starts += config_comment("starts " + program.title);
    starts += (last && i == 0 ? "exec " : "") + line + (last ? "\n" : " &\n");
  }
  if (programs.size() > 1) {
    out += config_comment("ends the other servers with this script") + "trap 'kill $(jobs -p)' EXIT\n";
  }
  return out + starts;
}

std::string env_file(const ConfigProgram& program) {
  std::string out, flags;
  for (const ConfigSetting& setting : program.settings) {
    if (!setting.variable.empty()) {
      out += config_comment(setting.why);
      out += fmt::format("{}={}\n", setting.variable, env_file_value(variable_value(setting)));
    } else if (on_command_line(setting)) {
      flags += fmt::format(" {}{}", setting.flag, setting.value ? " " + shell_word(*setting.value) : "");
    }
  }
  if (!flags.empty()) out += config_comment("no variable stands for these, give them on the command line:" + flags);
  return out;
}

std::string systemd_unit(const ConfigProgram& program) {
  std::string out;
  if (!program.has_unit) {
    out = fmt::format("[Unit]\nDescription={}\nAfter=network.target\n\n", program.title);
  }
  out += "[Service]\n";
  for (const ConfigSetting& setting : program.settings) {
    if (setting.variable.empty() || (on_command_line(setting) && !program.has_unit)) continue;
    out += config_comment(setting.why);
    out += fmt::format("Environment={}\n",
                       systemd_word(setting.variable + "=" + variable_value(setting), false));
  }
  if (program.has_unit) return out;
  return out + exec_start(program) + "Restart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n";
}

std::string systemd_unit_path(const ConfigProgram& program) {
  return program.has_unit ? fmt::format("/etc/systemd/system/{}.d/docmind.conf", program.unit)
                          : fmt::format("/etc/systemd/system/{}", program.unit);
}

std::string modelfile(std::string_view from, std::string_view why_from, const std::vector<ConfigSetting>& settings) {
  std::string out = config_comment(why_from) + fmt::format("FROM {}\n", from);
  for (const ConfigSetting& setting : settings) {
    if (setting.parameter.empty()) continue;
    out += config_comment(setting.why);
    out += fmt::format("PARAMETER {} {}\n", setting.parameter, variable_value(setting));
  }
  return out;
}

}  // namespace docmind::providers
