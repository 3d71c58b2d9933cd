// Optional work (passages reranked, passages read) given up while the latency target is in danger.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "control/rules.h"

namespace docmind::control {
namespace {

constexpr double kDanger = 0.8;      // of the target: shed
constexpr double kSafe = 0.5;        // of the target: restore
constexpr double kMargin = 0.1;      // of the target: how much better than a failed trial the next begins
constexpr int64_t kLeastDepthShare = 4;   // of the configured depth that is always reranked: a quarter
constexpr int64_t kLeastContext = 2; // passages that an answer is always made from, if so many are configured
constexpr int64_t kTrusted = 5;      // answers in the window that make a p95
constexpr int64_t kStepsPerDwell = 12;  // a step each second, also where the clock is a little early
constexpr double kRush = 1.25;          // times the usual crowd: more than the window's own numbers tell
constexpr double kCrowdMs = 2'000;  // time constant of the smoothed crowd

int64_t least_depth(const Setpoints& configured) {
  return std::min(configured.rerank_depth,
                  std::max({int64_t{1}, configured.rerank_depth / kLeastDepthShare, configured.context_passages}));
}

int64_t least_context(const Setpoints& configured) {
  return std::min(configured.context_passages, kLeastContext);
}

// Half of the depth, or a third of the context; false when neither can give more.
bool shed(const Moment& moment, RuleStates& states, Setpoints& now) {
  const Setpoints& configured = moment.options.configured;
  const bool depth_left = now.rerank_depth > least_depth(configured);
  const bool context_left = now.context_passages > least_context(configured);
  if (!depth_left && !context_left) return false;
  if (depth_left && (!context_left || moment.in.rerank_ms >= moment.in.prefill_ms)) {
    states.shed_steps.push_back({true, now.rerank_depth});
    now.rerank_depth = std::max(now.rerank_depth / 2, least_depth(configured));
  } else {
    states.shed_steps.push_back({false, now.context_passages});
    now.context_passages = std::max(now.context_passages * 2 / 3, least_context(configured));
  }
  return true;
}

void restore(RuleStates& states, Setpoints& now) {
  const ShedStep step = states.shed_steps.back();
  states.shed_steps.pop_back();
  (step.of_rerank ? now.rerank_depth : now.context_passages) = step.before;
}

// Questions waiting and running, without those few that meet by chance for a second.
void follow_crowd(const ControlInput& in, RuleStates& states) {
  const auto crowd = static_cast<double>(in.n_queued) + static_cast<double>(in.n_running);
  const double passed_ms = static_cast<double>(in.now_ms) - static_cast<double>(states.crowd_at_ms);
  const double weight = 1 - std::exp(-std::max(passed_ms, 0.0) / kCrowdMs);
  states.crowd += weight * (crowd - states.crowd);
  states.crowd_at_ms = in.now_ms;
}

// How many more than usual are there, at least 1: in the window, Little's law says, there were as many as
// were answered in a millisecond times service_ms.
double crowding(const ControlInput& in, double crowd) {
  const double usual = static_cast<double>(in.n_answered) / static_cast<double>(in.window_ms) * in.service_ms;
  return std::max(crowd / std::max(usual, 1.0), 1.0);
}

std::string latency_words(const Moment& moment, double expected) {
  const std::string target = format_ms(moment.options.latency_target_ms);
  const int64_t n_there = moment.in.n_queued + moment.in.n_running;
  if (expected > moment.in.p95_ms && n_there > 0) {
    return fmt::format("a question that comes now would take {} beside {} others, the target is {}",
                       format_ms(expected), format_count(n_there), target);
  }
  if (moment.in.n_answered == 0) return fmt::format("no question was answered lately, the target is {}", target);
  return fmt::format("95% of the questions are answered within {}, the target is {}", format_ms(moment.in.p95_ms),
                     target);
}

}  // namespace

std::optional<std::string> move_work(const Moment& moment, RuleStates& states, Setpoints& now) {
  const ControlInput& in = moment.in;
  const double target = moment.options.latency_target_ms;
  follow_crowd(in, states);
  // A larger crowd takes longer in proportion, whether it waits or shares the machine.
  const double crowded = crowding(in, states.crowd);
  const double expected = in.service_ms * crowded;
  const int64_t since_ms = states.shed.since_tightened_ms(in.now_ms);
  // The crowd tells at once what the p95 tells a window later; only a p95 that no earlier step has part in
  // is a reason of its own.
  const bool rush = crowded > kRush && in.n_queued + in.n_running > 1 && expected > kDanger * target;
  const bool slow = in.n_answered >= kTrusted && in.p95_ms > kDanger * target && since_ms >= in.window_ms;
  if (rush || slow) {
    if (since_ms < moment.options.min_dwell_ms / kStepsPerDwell || !shed(moment, states, now)) return std::nullopt;
    // What begins now is not made less later, so a target that is missed by far is no time for small steps.
    for (double left = expected / target; rush && left >= 1 && shed(moment, states, now); --left) {
    }
    states.shed.tightened(in.now_ms, moment.demand);
    return latency_words(moment, expected);
  }
  const double signal = std::max(in.p95_ms, expected) / target;
  if (states.shed_steps.empty() || signal >= kSafe) return std::nullopt;
  if (!states.shed.may_relax(in.now_ms, signal, moment.demand, kMargin, moment.options.min_dwell_ms)) {
    return std::nullopt;
  }
  restore(states, now);
  states.shed.relaxed(in.now_ms, signal, moment.demand);
  return latency_words(moment, expected);
}

}  // namespace docmind::control
