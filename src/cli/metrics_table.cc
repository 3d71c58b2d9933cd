// What the process measured of itself, as a table for people and as JSON for programs.
// SPDX-License-Identifier: Apache-2.0
#include "cli/metrics_table.h"

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::cli {
namespace {

template <typename Visit>
void visit_stages(const monitor::Snapshot& snapshot, Visit&& visit) {
  for (size_t i = 0; i < monitor::kStageCount; ++i) {
    const auto stage = static_cast<monitor::Stage>(i);
    const monitor::HistogramSummary& summary = snapshot.stage(stage);
    if (summary.count > 0) visit(monitor::stage_name(stage), summary);
  }
}

template <typename Visit>
void visit_counters(const monitor::Snapshot& snapshot, Visit&& visit) {
  for (size_t i = 0; i < monitor::kCounterCount; ++i) {
    const auto counter = static_cast<monitor::Counter>(i);
    if (snapshot.counter(counter) > 0) {
      visit(monitor::counter_name(counter), static_cast<int64_t>(snapshot.counter(counter)));
    }
  }
}

}  // namespace

std::string metrics_table(const monitor::Snapshot& snapshot) {
  std::string table = fmt::format("{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "stage", "count",
                                  "total", "p50", "p95", "max");
  visit_stages(snapshot, [&](std::string_view name, const monitor::HistogramSummary& summary) {
    table += fmt::format("{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n", name,
                         format_count(static_cast<int64_t>(summary.count)),
                         format_ms(summary.sum_ms), format_ms(summary.p50_ms),
                         format_ms(summary.p95_ms), format_ms(summary.max_ms));
  });
  visit_counters(snapshot, [&](std::string_view name, int64_t value) {
    table += fmt::format("{:<20} {:>10}\n", name, format_count(value));
  });
  if (snapshot.process_memory) {
    table += fmt::format("{:<20} {:>10}\n", "peak_memory",
                         format_bytes(snapshot.process_memory->peak_rss_bytes));
  }
  return table;
}

json::object metrics_to_json(const monitor::Snapshot& snapshot) {
  json::object stages;
  visit_stages(snapshot, [&](std::string_view name, const monitor::HistogramSummary& summary) {
    stages[name] = {{"count", summary.count}, {"total_ms", summary.sum_ms},
                    {"p50_ms", summary.p50_ms}, {"p95_ms", summary.p95_ms},
                    {"max_ms", summary.max_ms}};
  });
  json::object counters;
  visit_counters(snapshot,
                 [&](std::string_view name, int64_t value) { counters[name] = value; });
  json::object object{{"stages", std::move(stages)}, {"counters", std::move(counters)}};
  if (snapshot.process_memory) {
    object["peak_rss_bytes"] = snapshot.process_memory->peak_rss_bytes;
  }
  return object;
}

}  // namespace docmind::cli
