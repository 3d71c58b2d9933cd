// Snapshot: everything the monitor knows at one moment, as plain values.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/snapshot.h"

#include "base/clock.h"

namespace docmind::monitor {
namespace {

template <typename T>
std::optional<T> keep(Result<T> result, std::vector<std::string>& problems) {
  if (result.ok()) return std::move(result).value();
  problems.push_back(std::move(result).error().message);
  return std::nullopt;
}

}  // namespace

Snapshot take_snapshot(const Metrics& metrics, const SystemRoots& roots) {
  Snapshot snapshot;
  snapshot.unix_ms = unix_time_ms();
  snapshot.process_memory = keep(process_memory(roots), snapshot.problems);
  snapshot.system_memory = keep(system_memory(roots), snapshot.problems);
  for (size_t i = 0; i < kStageCount; ++i) {
    snapshot.stages[i] = metrics.summary(static_cast<Stage>(i));
  }
  for (size_t i = 0; i < kCounterCount; ++i) {
    snapshot.counters[i] = metrics.value(static_cast<Counter>(i));
  }
  return snapshot;
}

}  // namespace docmind::monitor
