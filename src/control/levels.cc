// The level and the format of new sequences' keys and values, by the share of memory used.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/rules.h"

namespace docmind::control {
namespace {

KvFormat format_of(Level level, KvFormat configured) {
  KvFormat format = KvFormat::kF16;
  if (level == Level::kBalanced) format = KvFormat::kInt8;
  if (level == Level::kAggressive) format = KvFormat::kInt4;
  return std::max(format, configured);  // the enum goes from exact to small
}

Level wanted_level(double memory, const ControlOptions& options) {
  if (memory >= options.int4_memory) return Level::kAggressive;
  return memory >= options.int8_memory ? Level::kBalanced : Level::kConservative;
}

void set_level(Level level, const ControlOptions& options, Setpoints& now) {
  now.level = level;
  now.kv_format = format_of(level, options.configured.kv_format);
}

// The share of memory when what the sequences hold now is held in another format.
double share_with(const Moment& moment, KvFormat from, KvFormat to) {
  const double kv = static_cast<double>(moment.in.kv_used_bytes) / static_cast<double>(moment.in.memory_budget_bytes);
  return moment.memory + kv * (kv_share(to) / kv_share(from) - 1);
}

}  // namespace

double kv_share(KvFormat format) {
  switch (format) {
    case KvFormat::kF16: return 1.0;
    case KvFormat::kInt8: return 0.54;
    case KvFormat::kInt4: return 0.29;
  }
  return 1.0;
}

std::optional<std::string> move_level(const Moment& moment, RuleStates& states, Setpoints& now) {
  if (moment.in.memory_budget_bytes <= 0) return std::nullopt;
  const ControlOptions& options = moment.options;
  const Level wanted = std::max(wanted_level(moment.memory, options), options.configured.level);
  if (wanted > now.level) {
    set_level(wanted, options, now);
    states.level.tightened(moment.in.now_ms, moment.demand);
    return memory_words(moment.in);
  }
  if (wanted == now.level) return std::nullopt;
  // One level at a time, and only if the larger sequences would not bring it back at once.
  const Level next = static_cast<Level>(static_cast<int>(now.level) - 1);
  const double entered = now.level == Level::kAggressive ? options.int4_memory : options.int8_memory;
  const KvFormat format = format_of(next, options.configured.kv_format);
  const double limit = entered - options.hysteresis;
  if (moment.memory >= limit || share_with(moment, now.kv_format, format) >= limit) return std::nullopt;
  if (!states.level.may_relax(moment.in.now_ms, moment.memory, moment.demand, options.hysteresis,
                              options.min_dwell_ms)) {
    return std::nullopt;
  }
  set_level(next, options, now);
  states.level.relaxed(moment.in.now_ms, moment.memory, moment.demand);
  return memory_words(moment.in);
}

}  // namespace docmind::control
