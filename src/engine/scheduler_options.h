// SchedulerOptions: how many texts are generated at once and how prompts are cut.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kv/format.h"

namespace docmind::engine {

struct SchedulerOptions {
  int64_t max_sequences = 8;    // texts that are generated together
  size_t max_queued = 256;      // requests that wait; one more is refused (kBusy)
  int64_t prefill_tokens = 512; // of prompts that a prefill pass takes at once
  // How long prefill may hold up running streams in a step, as a share of their decode pass's time: the time between
  // their tokens rises by about as much, and prompts are read with share / (1 + share) of the machine.
  double prefill_share = 0.6;
  // A request that waited this long counts as one of the next higher priority, and so on.
  double ageing_ms = 5'000;
};

// What may be changed while it runs; the sizes up to those that the scheduler was made with.
struct SchedulerSetpoints {
  int64_t max_sequences = 8;
  int64_t prefill_tokens = 512;
  double prefill_share = 0.6;
  // Of texts that are admitted from now on; those that were keep theirs. None: as the scheduler was made with. One that
  // takes more memory than that is refused (kInvalidArgument).
  std::optional<kv::Format> kv_format = {};
};

}  // namespace docmind::engine
