// control_simulation: the adaptive controller beside every fixed setting, on a simulated RAG server.
// SPDX-License-Identifier: Apache-2.0
//
// bench_control_simulation: prints a table and a line of JSON; exit code 1 unless the controller refuses
// fewer questions and has a lower p95 than each fixed setting on each of three loads. Equal numbers of
// refusals count as fewer only if both are 0.
//
// All run the same arrivals on the same machine (control_plant.h states its constants). Fixed settings
// hold a KV format, a number of texts together and a queue limit; rerank depth and context are as
// configured. What the controller gives up for its latency is told beside: the share of f16 sequences
// and the mean depth and context. For comparison one more line holds everything at the controller's
// least; it is no rival, because it gives that quality up all the time.
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "control_plant.h"

namespace docmind::bench {
namespace {

using control::ControlOptions;
using control::Controller;
using control::KvFormat;
using control::Level;
using control::Setpoints;

struct Fixed {
  std::string name;
  Setpoints settings;
};

Setpoints configured() {
  Setpoints settings;
  settings.max_sequences = 16;
  return settings;
}

// Queue limits from "refuse early" to "refuse hardly ever"; between them lies the best for each load.
std::vector<Fixed> fixed_settings() {
  std::vector<Fixed> list;
  for (const Level level : {Level::kConservative, Level::kBalanced, Level::kAggressive}) {
    for (const int64_t n_together : {4, 8, 16}) {
      for (const int64_t n_queued : {2, 4, 8, 16, 64, 256}) {
        Setpoints settings = configured();
        settings.level = level;
        settings.kv_format = static_cast<KvFormat>(level);  // both go from exact to small
        settings.max_sequences = n_together;
        settings.max_queued = n_queued;
        list.push_back({fmt::format("{} {}, {} together, {} wait", control::level_name(level),
                                    control::kv_format_name(settings.kv_format), n_together, n_queued),
                        settings});
      }
    }
  }
  return list;
}

Setpoints least_of_all() {
  Setpoints settings = configured();
  settings.kv_format = KvFormat::kInt4;
  settings.rerank_depth = 10;
  settings.context_passages = 2;
  return settings;
}

void print_row(const std::string& name, const Outcome& outcome) {
  fmt::print("  {:<44} {:>8} {:>8} {:>9.2f} {:>7.0f}% {:>7.1f} {:>8.1f} {:>9}\n", name, outcome.n_answered,
             outcome.n_refused, outcome.p95_ms / 1'000, 100 * outcome.f16_share, outcome.mean_depth,
             outcome.mean_context, outcome.n_decisions);
}

bool better(const Outcome& ours, const Outcome& theirs) {
  const bool fewer = ours.n_refused < theirs.n_refused || (ours.n_refused == 0 && theirs.n_refused == 0);
  return fewer && ours.p95_ms < theirs.p95_ms;
}

struct Result {
  std::string load;
  Outcome ours;
  int64_t fewest_refused = 0;  // of the fixed settings
  double lowest_p95_ms = 0;
  int n_beaten = 0, n_fixed = 0;
};

Result compare(const Load& load) {
  docmind::Result<Controller> controller = Controller::create({.configured = configured()});
  Result result{.load = load.name, .ours = simulate(load, configured(), &controller.value())};
  fmt::print("{}: {} questions in {:.0f} min\n", load.name, load.questions.size(), load.length_ms / 60'000);
  fmt::print("  {:<44} {:>8} {:>8} {:>9} {:>8} {:>7} {:>8} {:>9}\n", "setting", "answered", "refused", "p95 (s)",
             "f16", "depth", "context", "decisions");
  print_row("adaptive", result.ours);
  for (const Fixed& fixed : fixed_settings()) {
    const Outcome theirs = simulate(load, fixed.settings, nullptr);
    const bool first = result.n_fixed++ == 0;
    result.fewest_refused = first ? theirs.n_refused : std::min(result.fewest_refused, theirs.n_refused);
    result.lowest_p95_ms = first ? theirs.p95_ms : std::min(result.lowest_p95_ms, theirs.p95_ms);
    const bool beaten = better(result.ours, theirs);
    result.n_beaten += beaten ? 1 : 0;
    print_row(fixed.name + (beaten ? "" : "  (not beaten)"), theirs);
  }
  print_row("no rival: everything at its least, always", simulate(load, least_of_all(), nullptr));
  return result;
}

std::string to_json(const Result& r) {
  return fmt::format(
      R"({{"load": "{}", "answered": {}, "refused": {}, "p95_ms": {:.0f}, "fixed_fewest_refused": {}, )"
      R"("fixed_lowest_p95_ms": {:.0f}, "beaten": {}, "fixed": {}, "f16_share": {:.3f}, "mean_depth": {:.1f}, )"
      R"("mean_context": {:.2f}, "decisions": {}, "most_memory": {:.3f}}})",
      r.load, r.ours.n_answered, r.ours.n_refused, r.ours.p95_ms, r.fewest_refused, r.lowest_p95_ms, r.n_beaten,
      r.n_fixed, r.ours.f16_share, r.ours.mean_depth, r.ours.mean_context, r.ours.n_decisions, r.ours.most_memory);
}

int run() {
  bool holds = true;
  std::string json;
  for (const Load& load : {bursty_load(), rising_load(), long_context_load()}) {
    const Result result = compare(load);
    holds = holds && result.n_beaten == result.n_fixed && result.ours.most_memory <= 1;
    json += (json.empty() ? "" : ", ") + to_json(result);
  }
  fmt::print("{}\n", holds ? "adaptive control beats every fixed setting on every load"
                           : "FAILED: adaptive control does not beat every fixed setting");
  fmt::print(R"({{"bench": "control_simulation", "holds": {}, "loads": [{}]}})" "\n", holds, json);
  return holds ? 0 : 1;
}

}  // namespace
}  // namespace docmind::bench

int main() { return docmind::bench::run(); }
