// In which formats a provider can keep keys and values of a model, and what they take.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "control/planner.h"

namespace docmind::providers {

// Largest first; f16 always, others where the heads of the model allow it. Of `model` the architecture, layers, KV
// heads, their width and the number of parameters count.
[[nodiscard]] std::vector<control::KvOption> plan_kv_options(const control::PlanModel& model,
                                                             control::PlanProvider provider, int64_t prefill_tokens);

}  // namespace docmind::providers
