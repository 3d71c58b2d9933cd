// Controller: from what was measured to what should change, with the reasons in words.
// SPDX-License-Identifier: Apache-2.0
#include "control/controller.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "control/rules.h"

namespace docmind::control {
namespace {

// Of anything counted, bytes too: sums and doubles of such numbers cannot overflow.
constexpr int64_t kMostCount = int64_t{1} << 52;

double finite_or_zero(double value) { return std::isfinite(value) ? std::max(value, 0.0) : 0; }

Status check_range(std::string_view name, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} is {:g}, allowed is {:g} to {:g}", name, value, least, most)};
}

Status check_order(std::string_view low_name, double low, std::string_view high_name, double high) {
  if (low < high) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} is {:g} and {} is {:g}; the first must be less", low_name, low, high_name, high)};
}

Status check_count(std::string_view name, int64_t value, int64_t least) {
  if (value >= least && value <= kMostCount) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} is {}, allowed is {} to {}", name, value, least, kMostCount)};
}

Status check_configured(const Setpoints& most) {
  struct Entry {
    std::string_view name;
    int64_t value;
  };
  const std::array<Entry, 6> positive = {{{"max_sequences", most.max_sequences},
                                          {"prefill_tokens", most.prefill_tokens},
                                          {"embed_batch_tokens", most.embed_batch_tokens},
                                          {"rerank_batch_tokens", most.rerank_batch_tokens},
                                          {"max_queued", most.max_queued},
                                          {"context_passages", most.context_passages}}};
  for (const Entry& entry : positive) DM_TRY(check_count(entry.name, entry.value, 1));
  const std::array<Entry, 2> others = {
      {{"cache_memory_bytes", most.cache_memory_bytes}, {"rerank_depth", most.rerank_depth}}};
  for (const Entry& entry : others) DM_TRY(check_count(entry.name, entry.value, 0));
  return {};
}

Status check_options(const ControlOptions& options) {
  DM_TRY(check_range("control.high_memory", options.high_memory, 0.01, 1));
  DM_TRY(check_range("control.low_memory", options.low_memory, 0, 1));
  DM_TRY(check_range("control.int8_memory", options.int8_memory, 0.01, 1));
  DM_TRY(check_range("control.int4_memory", options.int4_memory, 0.01, 1));
  DM_TRY(check_range("control.latency_target_ms", options.latency_target_ms, 1, 1e9));
  DM_TRY(check_range("control.dwell_s", static_cast<double>(options.min_dwell_ms) / 1'000, 0, 86'400));
  DM_TRY(check_order("control.low_memory", options.low_memory, "control.high_memory", options.high_memory));
  DM_TRY(check_order("control.int8_memory", options.int8_memory, "control.int4_memory", options.int4_memory));
  DM_TRY(check_range("the hysteresis", options.hysteresis, 0, options.int8_memory));
  return check_configured(options.configured);
}

}  // namespace

ControlInput clean(const ControlInput& input) {
  ControlInput in = input;
  for (int64_t* count : {&in.memory_used_bytes, &in.memory_budget_bytes, &in.kv_used_bytes, &in.kv_budget_bytes,
                         &in.cache_used_bytes, &in.n_answered, &in.n_queued, &in.n_running, &in.n_refused,
                         &in.context_tokens, &in.n_workers}) {
    *count = std::clamp<int64_t>(*count, 0, kMostCount);
  }
  for (double* number : {&in.cache_hit_rate, &in.p95_ms, &in.service_ms, &in.rerank_ms, &in.prefill_ms}) {
    *number = finite_or_zero(*number);
  }
  in.window_ms = std::clamp<int64_t>(in.window_ms, 1, kMostCount);
  in.now_ms = std::clamp<int64_t>(in.now_ms, -kMostCount, kMostCount);
  return in;
}

Moment moment_of(const ControlInput& input, const ControlOptions& options) {
  Moment moment{.in = input, .options = options};
  if (input.memory_budget_bytes > 0) {
    moment.memory = static_cast<double>(input.memory_used_bytes) / static_cast<double>(input.memory_budget_bytes);
  }
  moment.demand = static_cast<double>(input.n_answered) + static_cast<double>(input.n_refused) +
                  static_cast<double>(input.n_queued) + static_cast<double>(input.n_running);
  return moment;
}

Result<Controller> Controller::create(const ControlOptions& options) {
  DM_TRY(check_options(options));
  return Controller(options);
}

const Setpoints& Controller::step(const ControlInput& input, std::vector<Decision>* decisions) {
  if (!options_.enabled) return now_;
  const ControlInput in = clean(input);
  const Moment moment = moment_of(in, options_);
  for (const auto rule : {move_level, move_batches, move_cache, move_admission, move_work}) {
    const Setpoints before = now_;
    const std::optional<std::string> cause = rule(moment, states_, now_);
    if (!cause || decisions == nullptr) continue;
    for (Decision& decision : differences(before, now_, *cause, in.unix_ms)) {
      decisions->push_back(std::move(decision));
    }
  }
  return now_;
}

}  // namespace docmind::control
