// What may have been meant when the command line could not be understood.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace docmind::cli {

// "did you mean 'search'?" for the first word that parsing could not place, if a command or flag is
// near enough to be meant; else empty. Call after app.parse() threw.
std::string usage_hint(const CLI::App& app);

}  // namespace docmind::cli
