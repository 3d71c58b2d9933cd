// Memory of the answer cache: given up when memory is short, taken back when hits pay for it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "control/rules.h"

namespace docmind::control {
namespace {

constexpr int64_t kLeastBytes = 1 << 20;
constexpr int64_t kLeastCacheShare = 16;  // of the configured size: a sixteenth
// Fewer hits than this do not pay for memory that was just short.
constexpr double kWorthwhileHits = 0.05;

}  // namespace

std::optional<std::string> move_cache(const Moment& moment, RuleStates& states, Setpoints& now) {
  const ControlOptions& options = moment.options;
  const int64_t configured = options.configured.cache_memory_bytes;
  if (moment.in.memory_budget_bytes <= 0) return std::nullopt;
  if (moment.memory > options.high_memory) {
    const int64_t least = std::min(configured, std::max(kLeastBytes, configured / kLeastCacheShare));
    const int64_t next = std::max(now.cache_memory_bytes / 2, least);
    if (next >= now.cache_memory_bytes) return std::nullopt;
    if (states.cache.since_tightened_ms(moment.in.now_ms) < options.min_dwell_ms / 4) return std::nullopt;
    now.cache_memory_bytes = next;
    states.cache.tightened(moment.in.now_ms, moment.demand);
    return memory_words(moment.in);
  }
  if (now.cache_memory_bytes >= configured) return std::nullopt;
  const bool worthwhile = moment.in.n_answered == 0 || moment.in.cache_hit_rate >= kWorthwhileHits;
  const int64_t next = std::min(configured, now.cache_memory_bytes * 2);
  const double grown = static_cast<double>(next - now.cache_memory_bytes) /
                       static_cast<double>(moment.in.memory_budget_bytes);
  const double limit = options.high_memory - options.hysteresis;
  // The batches come first: they need what is free between the two marks.
  const bool batches_wait = now.max_sequences < options.configured.max_sequences;
  if (!worthwhile || batches_wait || moment.memory + grown >= limit) return std::nullopt;
  if (!states.cache.may_relax(moment.in.now_ms, moment.memory, moment.demand, options.hysteresis,
                              options.min_dwell_ms)) {
    return std::nullopt;
  }
  now.cache_memory_bytes = next;
  states.cache.relaxed(moment.in.now_ms, moment.memory, moment.demand);
  return moment.in.n_answered == 0
             ? memory_words(moment.in)
             : fmt::format("{}, and {} of the questions are answered from the cache", memory_words(moment.in),
                           percent(moment.in.cache_hit_rate));
}

}  // namespace docmind::control
