// What the process measured of itself, as a table for people and as JSON for programs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "monitor/snapshot.h"

namespace docmind::cli {

// Stages that were entered, with count, sum and percentiles; counters that are not zero; memory.
[[nodiscard]] std::string metrics_table(const monitor::Snapshot& snapshot);
[[nodiscard]] json::object metrics_to_json(const monitor::Snapshot& snapshot);

}  // namespace docmind::cli
