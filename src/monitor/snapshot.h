// Snapshot: everything the monitor knows at one moment, as plain values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "monitor/metrics.h"
#include "monitor/process.h"

namespace docmind::monitor {

struct Snapshot {
  int64_t unix_ms = 0;
  std::optional<ProcessMemory> process_memory;  // nullopt: could not be read, see `problems`
  std::optional<SystemMemory> system_memory;
  std::array<HistogramSummary, kStageCount> stages;  // by Stage
  std::array<uint64_t, kCounterCount> counters{};    // by Counter
  std::vector<std::string> problems;                 // why a value above is missing

  const HistogramSummary& stage(Stage s) const { return stages[static_cast<size_t>(s)]; }
  uint64_t counter(Counter c) const { return counters[static_cast<size_t>(c)]; }
};

// Takes well under a millisecond; any thread may call it while others record.
[[nodiscard]] Snapshot take_snapshot(const Metrics& metrics, const SystemRoots& roots = {});

}  // namespace docmind::monitor
