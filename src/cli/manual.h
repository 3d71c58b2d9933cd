// The words of --help and --version that are not about one option.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace docmind::cli {

std::string version_line();
std::string manual_intro();
std::string manual_footer();

}  // namespace docmind::cli
