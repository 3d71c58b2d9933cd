// One choice of a plan: what it takes, how fast it can be at most, and what it is expected to lose.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "control/planner.h"

namespace docmind::control {

// Borrowed; all pointers are set.
struct PlanPick {
  const PlanModel* model = nullptr;
  const WeightOption* weights = nullptr;
  const KvOption* kv = nullptr;
  int64_t context = 0;
  int64_t concurrent = 1;
  int64_t rag_bytes = 0;
};

// Keys and values of one sequence; at most 2^60 (no machine has that).
[[nodiscard]] int64_t sequence_kv_bytes(const KvOption& kv, int64_t n_tokens);
[[nodiscard]] int64_t total_bytes(const PlanPick& pick);
// The longest context that fits into `usable_bytes`, at most pick.context; 0: none.
[[nodiscard]] int64_t longest_context(const PlanPick& pick, int64_t usable_bytes);

// The expected share of tokens whose likeliest successor changes, 0..1: of the weights as WeightOption::same_top says,
// of the KV format the limits that its quality is held to (int8 1.5%, int4 4%, mixed 6%; k8v4 between), and 1% for
// scaled positions. They add up.
[[nodiscard]] double expected_loss(const PlanPick& pick);

// All of it with words; `changes` stays empty.
[[nodiscard]] PlanChoice describe_choice(const PlanPick& pick, const PlanDevice& device, const PlanRequest& request);

}  // namespace docmind::control
