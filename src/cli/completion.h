// Shell completion scripts, generated from the same option table as the help.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace docmind::cli {

// `shell` is bash, zsh or fish; anything else is kInvalidArgument.
Result<std::string> completion_script(const CLI::App& app, const std::string& shell);

}  // namespace docmind::cli
