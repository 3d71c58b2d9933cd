// Shell completion scripts, generated from the same option table as the help.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace docmind::cli {

// The commands that the help names, and the "--long" and "-s" spellings of the flags of one.
std::vector<const CLI::App*> visible_commands(const CLI::App& app);
std::vector<std::string> flags_of(const CLI::App& app);

// `shell` is bash, zsh or fish; anything else is kInvalidArgument.
Result<std::string> completion_script(const CLI::App& app, const std::string& shell);

}  // namespace docmind::cli
