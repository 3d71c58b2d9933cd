// RandomSchedule: arrivals, priorities, cancels, limits of memory and time, drawn from a seed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/scheduler_core.h"

namespace docmind::test {

// What a schedule may be made of. All is borrowed.
struct ScheduleSpace {
  model::Decoder* decoder = nullptr;
  const kernels::KernelTable* kernels = nullptr;
  const tokenizer::Tokenizer* tokenizer = nullptr;
  kv::CacheOptions cache = {};           // its budget is drawn
  std::vector<kv::Format> smaller_formats = {};  // that new texts get from time to time, and some ask for
  int64_t n_context = 256;
  std::vector<engine::TextRequest> requests = {};  // to choose from
  std::string spill_folder = {};         // used in half of the schedules, if given
  int64_t most_prefill_tokens = 64;
  double damage_share = 0;               // of spill files: one bit is flipped
};

// Alone with plenty of memory, for each request, in the configured format and then in each of the smaller ones; its
// tokens are in `scored`.
std::vector<engine::Generation> each_alone(const ScheduleSpace& space);

// What one schedule did.
struct ScheduleCounts {
  int64_t n_finished = 0, n_cut = 0, n_limits = 0, n_preempted = 0, n_restored = 0, n_recomputed = 0, n_reused = 0;
  int64_t n_spill_failures = 0, n_replayed = 0;
  int64_t n_switches = 0, n_smaller = 0;  // texts in a smaller format
  void add(const ScheduleCounts& other);
};

// Runs the schedule of `seed` and holds each text against `expected` in the format that it says: finished ones are
// equal in text, tokens and log-probabilities, others a beginning, kLimit only comes when the text cannot be held
// alone, and in the end nothing is held. The first difference, or nothing.
std::optional<std::string> check_schedule(const ScheduleSpace& space, std::span<const engine::Generation> expected,
                                          uint64_t seed, ScheduleCounts& counts);

}  // namespace docmind::test
