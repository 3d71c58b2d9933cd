// The process environment as a value, and the XDG folders that it names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace docmind {

using Environment = std::map<std::string, std::string>;

// A copy of this process's environment.
[[nodiscard]] Environment process_environment();

// XDG Base Directory Specification 0.8: the variable if it holds an absolute path, else the default
// below $HOME; an error naming both when neither is there. "/docmind" is added.
Result<std::string> xdg_config_folder(const Environment& environment);
Result<std::string> xdg_data_folder(const Environment& environment);

}  // namespace docmind
