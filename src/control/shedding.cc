// Optional work (passages reranked, passages read) given up while the latency target is in danger.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "control/rules.h"

namespace docmind::control {
namespace {

constexpr double kDanger = 0.8;      // of the target: shed
constexpr double kSafe = 0.5;        // of the target: restore
constexpr double kMargin = 0.1;      // of the target: how much better than a failed trial the next begins
constexpr int64_t kLeastShare = 4;   // of the configured depth that is always reranked: a quarter
constexpr int64_t kLeastContext = 2; // passages that an answer is always made from, if so many are configured
constexpr int64_t kTrusted = 5;      // answers in the window that make a p95
constexpr int64_t kWindowMs = 60'000;  // until a p95 shows nothing but what came after a change

int64_t least_depth(const Setpoints& configured) {
  return std::min(configured.rerank_depth,
                  std::max({int64_t{1}, configured.rerank_depth / kLeastShare, configured.context_passages}));
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

std::string latency_words(const Moment& moment, double expected) {
  const std::string target = format_ms(moment.options.latency_target_ms);
  if (expected >= moment.in.p95_ms && moment.in.n_queued > 0) {
    return fmt::format("a question that comes now would take {} behind {} waiting, the target is {}",
                       format_ms(expected), format_count(moment.in.n_queued), target);
  }
  if (moment.in.n_answered == 0) return fmt::format("no question was answered lately, the target is {}", target);
  return fmt::format("95% of the questions are answered within {}, the target is {}", format_ms(moment.in.p95_ms),
                     target);
}

}  // namespace

double expected_ms(const ControlInput& input) {
  const auto n_running = static_cast<double>(std::max<int64_t>(input.n_running, 1));
  return input.service_ms * (1 + static_cast<double>(input.n_queued) / n_running);
}

std::optional<std::string> move_work(const Moment& moment, RuleStates& states, Setpoints& now) {
  const ControlInput& in = moment.in;
  const double target = moment.options.latency_target_ms;
  const double expected = expected_ms(in);
  const int64_t since_ms = states.shed.since_tightened_ms(in.now_ms);
  // The queue tells at once what the p95 tells a window later; only a p95 that no earlier step has part
  // in is a reason of its own.
  const bool queue_danger = in.n_queued > 0 && expected > kDanger * target;
  const bool slow = in.n_answered >= kTrusted && in.p95_ms > kDanger * target && since_ms >= kWindowMs;
  if (queue_danger || slow) {
    if (since_ms < moment.options.min_dwell_ms / 10 || !shed(moment, states, now)) return std::nullopt;
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
