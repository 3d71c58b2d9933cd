// How much is computed together: halved when memory is short, doubled back when there is plenty.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "control/rules.h"

namespace docmind::control {
namespace {

constexpr int64_t kLeastTexts = 1;
constexpr int64_t kLeastTokens = 64;
constexpr int kMostHalvings = 40;
// Above it there is no time to see what the last halving brought.
constexpr double kUrgent = 0.95;
// Memory that fell by less than the first was not moved by the last halving; another would not help
// either, unless memory has grown by the second since.
constexpr double kRelief = 0.01;
constexpr double kGrowth = 0.02;

int64_t halved(int64_t configured, int n_halvings, int64_t least) {
  return std::max(configured >> n_halvings, std::min(configured, least));
}

Setpoints with_halvings(Setpoints setpoints, const Setpoints& configured, const RuleStates& states) {
  setpoints.max_sequences = halved(configured.max_sequences, states.n_text_halvings, kLeastTexts);
  setpoints.prefill_tokens = halved(configured.prefill_tokens, states.n_token_halvings, kLeastTokens);
  setpoints.embed_batch_tokens = halved(configured.embed_batch_tokens, states.n_token_halvings, kLeastTokens);
  setpoints.rerank_batch_tokens = halved(configured.rerank_batch_tokens, states.n_token_halvings, kLeastTokens);
  return setpoints;
}

// A limit of texts above what runs would not be felt: it is halved until it is.
void halve_once(const Moment& moment, RuleStates& states, const Setpoints& now) {
  const int64_t configured = moment.options.configured.max_sequences;
  const int64_t running = moment.in.n_running > 0 ? moment.in.n_running : now.max_sequences;
  states.n_token_halvings = std::min(states.n_token_halvings + 1, kMostHalvings);
  if (now.max_sequences <= kLeastTexts) return;
  do {
    ++states.n_text_halvings;
  } while (halved(configured, states.n_text_halvings, kLeastTexts) > std::max(running, kLeastTexts));
}

void double_once(RuleStates& states) {
  states.n_token_halvings = std::max(states.n_token_halvings - 1, 0);
  states.n_text_halvings = std::max(states.n_text_halvings - 1, 0);
}

bool is_halved(const RuleStates& states) { return states.n_token_halvings > 0 || states.n_text_halvings > 0; }

bool may_halve(const Moment& moment, const RuleStates& states, const Setpoints& now) {
  if (!is_halved(states)) return true;
  if (states.batch.since_tightened_ms(moment.in.now_ms) < moment.options.min_dwell_ms / 4) return false;
  if (moment.memory >= kUrgent) return true;
  if (moment.in.n_running > now.max_sequences) return false;  // the last one is still taking effect
  return moment.memory <= states.share_at_halving - kRelief || moment.memory >= states.share_at_halving + kGrowth;
}

// When texts wait for room in the batch, a doubled one holds twice the keys and values.
double share_when_doubled(const Moment& moment, const Setpoints& now) {
  const bool full = moment.in.n_queued > 0 || moment.in.n_running >= now.max_sequences;
  if (!full) return moment.memory;
  return moment.memory +
         static_cast<double>(moment.in.kv_used_bytes) / static_cast<double>(moment.in.memory_budget_bytes);
}

// Below the low mark; or, where what does not grow with the batch (weights, mostly) keeps memory above
// that mark for ever, whenever the doubled batch leaves room below the high one.
bool may_double(const Moment& moment, RuleStates& states, const Setpoints& now) {
  const ControlOptions& options = moment.options;
  const double doubled = share_when_doubled(moment, now);
  if (doubled >= options.high_memory - options.hysteresis) return false;
  const int64_t fixed = moment.in.memory_used_bytes - moment.in.kv_used_bytes - moment.in.cache_used_bytes;
  const double fixed_share = static_cast<double>(fixed) / static_cast<double>(moment.in.memory_budget_bytes);
  const bool never_low = fixed_share >= options.low_memory - options.hysteresis;
  if (moment.memory >= options.low_memory && !never_low) return false;
  return states.batch.may_relax(moment.in.now_ms, moment.memory, moment.demand, options.hysteresis,
                                options.min_dwell_ms);
}

}  // namespace

std::optional<std::string> move_batches(const Moment& moment, RuleStates& states, Setpoints& now) {
  if (moment.in.memory_budget_bytes <= 0) return std::nullopt;
  const Setpoints& configured = moment.options.configured;
  if (moment.memory > moment.options.high_memory) {
    RuleStates less_states = states;
    halve_once(moment, less_states, now);
    const Setpoints less = with_halvings(now, configured, less_states);
    if (less == now || !may_halve(moment, states, now)) return std::nullopt;
    now = less;
    states = less_states;
    states.share_at_halving = moment.memory;
    states.batch.tightened(moment.in.now_ms, moment.demand);
    return memory_words(moment.in);
  }
  if (!is_halved(states) || !may_double(moment, states, now)) return std::nullopt;
  double_once(states);
  now = with_halvings(now, configured, states);
  states.batch.relaxed(moment.in.now_ms, moment.memory, moment.demand);
  return memory_words(moment.in);
}

}  // namespace docmind::control
