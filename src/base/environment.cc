// The process environment as a value, and the XDG folders that it names.
// SPDX-License-Identifier: Apache-2.0
#include "base/environment.h"

#include <unistd.h>

#include <string_view>

namespace docmind {
namespace {

Result<std::string> xdg_folder(const Environment& environment, const std::string& variable,
                               const std::string& below_home) {
  const auto direct = environment.find(variable);
  if (direct != environment.end() && direct->second.starts_with('/')) {
    return direct->second + "/docmind";
  }
  const auto home = environment.find("HOME");
  if (home != environment.end() && home->second.starts_with('/')) {
    return home->second + below_home + "/docmind";
  }
  return Error{ErrorCode::kNotFound,
               "neither " + variable + " nor HOME holds an absolute path"};
}

}  // namespace

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<std::string> xdg_config_folder(const Environment& environment) {
  return xdg_folder(environment, "XDG_CONFIG_HOME", "/.config");
}

Result<std::string> xdg_data_folder(const Environment& environment) {
  return xdg_folder(environment, "XDG_DATA_HOME", "/.local/share");
}

}  // namespace docmind
