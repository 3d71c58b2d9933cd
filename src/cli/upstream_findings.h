// What is right or wrong with the models of other servers that the configuration names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cli/command.h"
#include "cli/finding.h"

namespace docmind::cli {

// Asks each of them whether it is there, has the model and how much of a prompt it takes; none configured: nothing.
[[nodiscard]] std::vector<Finding> upstream_findings(const Session& session);

}  // namespace docmind::cli
