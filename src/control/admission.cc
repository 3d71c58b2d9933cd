// How many questions may wait: as many as can still be answered within a few latency targets.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "control/rules.h"

namespace docmind::control {
namespace {

constexpr double kPatienceTargets = 3;  // that a waiting question is worth answering within
constexpr double kSmoothing = 0.2;      // weight of the newest measure of the capacity
constexpr double kLower = 0.8;          // a new limit is taken when it is below this share of the old one
constexpr double kHigher = 1.5;         // or above this
constexpr int64_t kCalmDwells = 6;      // without a queue, until the limit is lifted
constexpr int64_t kShortQueue = 8;      // a queue below the limit divided by this is none to speak of

// By Little's law what runs divided by the time of one is the rate; it is the capacity while others wait.
void measure_capacity(const ControlInput& in, RuleStates& states) {
  if (in.n_queued <= 0 || in.n_running <= 0 || in.service_ms <= 0) return;
  const double rate = static_cast<double>(in.n_running) / in.service_ms;
  states.answers_per_ms =
      states.answers_per_ms <= 0 ? rate : states.answers_per_ms + kSmoothing * (rate - states.answers_per_ms);
}

int64_t worth_waiting(const Moment& moment, const RuleStates& states) {
  const int64_t configured = moment.options.configured.max_queued;
  const double n = kPatienceTargets * moment.options.latency_target_ms * states.answers_per_ms;
  if (n >= static_cast<double>(configured)) return configured;
  return std::clamp<int64_t>(std::llround(n), 1, configured);
}

std::string capacity_words(const Moment& moment, const RuleStates& states) {
  const double seconds = kPatienceTargets * moment.options.latency_target_ms / 1'000;
  return fmt::format("{} and {:.2f} a second are answered, {:.0f} in the {:.0f} s that are worth waiting",
                     moment.in.n_queued == 1 ? "1 question waits"
                                             : format_count(moment.in.n_queued) + " questions wait",
                     states.answers_per_ms * 1'000, states.answers_per_ms * 1'000 * seconds, seconds);
}

std::optional<std::string> lift_limit(const Moment& moment, RuleStates& states, Setpoints& now) {
  const int64_t calm_ms = moment.in.now_ms - states.short_queue_since_ms;
  const int64_t wanted_ms = kCalmDwells * moment.options.min_dwell_ms;
  if (calm_ms < wanted_ms) return std::nullopt;
  const double signal = static_cast<double>(moment.in.n_queued);
  if (!states.admission.may_relax(moment.in.now_ms, signal, moment.demand, 1, moment.options.min_dwell_ms)) {
    return std::nullopt;
  }
  now.max_queued = moment.options.configured.max_queued;
  states.answers_per_ms = 0;
  states.admission.relaxed(moment.in.now_ms, signal, moment.demand);
  return fmt::format("hardly a question has waited for {}, and {} were set as the time for it",
                     format_ms(static_cast<double>(calm_ms)), format_ms(static_cast<double>(wanted_ms)));
}

// Since when the queue has been short beside the limit that would be right for it.
bool has_queue(const Moment& moment, RuleStates& states, int64_t limit) {
  if (moment.in.n_queued > limit / kShortQueue) {
    states.short_queue_since_ms = kNeverMs;
    return true;
  }
  if (states.short_queue_since_ms == kNeverMs) states.short_queue_since_ms = moment.in.now_ms;
  return false;
}

}  // namespace

std::optional<std::string> move_admission(const Moment& moment, RuleStates& states, Setpoints& now) {
  const int64_t now_ms = moment.in.now_ms;
  measure_capacity(moment.in, states);
  const int64_t wanted = states.answers_per_ms > 0 ? worth_waiting(moment, states) : now.max_queued;
  if (!has_queue(moment, states, std::min(wanted, now.max_queued))) {
    return now.max_queued < moment.options.configured.max_queued ? lift_limit(moment, states, now) : std::nullopt;
  }
  // A queue that is short beside either limit meets neither.
  if (moment.in.n_queued * 2 < std::min(wanted, now.max_queued)) return std::nullopt;
  const double change = static_cast<double>(wanted) / static_cast<double>(now.max_queued);
  if (change < kLower) {
    if (states.admission.since_relaxed_ms(now_ms) < moment.options.min_dwell_ms) return std::nullopt;
    now.max_queued = wanted;
    states.admission.tightened(now_ms, moment.demand);
    return capacity_words(moment, states);
  }
  if (change <= kHigher || states.admission.since_tightened_ms(now_ms) < moment.options.min_dwell_ms) {
    return std::nullopt;
  }
  now.max_queued = wanted;
  states.admission.relaxed(now_ms, static_cast<double>(moment.in.n_queued), moment.demand);
  return capacity_words(moment, states);
}

}  // namespace docmind::control
