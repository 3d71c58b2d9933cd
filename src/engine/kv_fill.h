// KvFiller: gives a sequence made-up keys and values, where computing them would take hours.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"
#include "kv/sequence.h"

namespace docmind::engine {

// Keys have a few channels that are much larger than the others, as those of real models. What is written
// goes the way of computed tokens: reserve, seal, commit. Borrows table and team.
class KvFiller {
 public:
  KvFiller(const kernels::KernelTable& table, ThreadTeam& team, uint64_t seed);

  // Appends tokens until the sequence has `n_tokens`; kCancelled on `cancel`, kLimit when its budget is spent.
  [[nodiscard]] Status fill(kv::Sequence& sequence, int64_t n_tokens, const CancelToken& cancel);

 private:
  void write(kv::Sequence& sequence, int64_t layer, int64_t begin, int64_t end);
  void seal(kv::Sequence& sequence, int64_t layer);

  const kernels::KernelTable& table_;
  ThreadTeam& team_;
  uint64_t seed_;
  std::vector<float> noise_;  // normal
  std::vector<kernels::Half> half_noise_;
  std::vector<kernels::Half> half_keys_;  // the same with large channels, for this head_dim
};

}  // namespace docmind::engine
