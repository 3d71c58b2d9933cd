// What 'docmind plan' prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/terminal.h"
#include "control/planner.h"

namespace docmind::cli {

// The table of memory, the verdict, every pair of weights and KV format, what fits instead, what is known and notes.
[[nodiscard]] std::string plan_report(const control::Plan& plan, const Terminal& terminal);

}  // namespace docmind::cli
