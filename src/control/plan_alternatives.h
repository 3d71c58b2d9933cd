// What to change where a plan does not fit: the nearest choices that do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "control/plan_choice.h"

namespace docmind::control {

// Up to three choices that fit, nearest first, of different kinds where there are such.
//
// The distance of a choice from what was asked is the sum of
//   0.10 for each halving of the model's parameters (about what a halving costs in benchmarks of knowledge),
//   0.08 for each halving of the context, and of the number of texts at the same time,
//   the expected loss of quality beyond that of what was asked (plan_choice.h),
//   0.05 for moving embedder and reranker to the CPU, or 0.15 for doing without them where the CPU is the device,
//   0.002 for each of weights and KV format that is another,
//   0.05 for each further one of model, context, number of texts and embedder that changes, after the first: a single
//   change is easier to live with than many.
// Its kind is the largest of the other terms. Of each model, pair of options and number of texts only the longest
// context that fits is looked at, in steps of 1,024 tokens.
[[nodiscard]] std::vector<PlanChoice> nearest_that_fit(const PlanPick& asked, const std::vector<PlanModel>& others,
                                                       const PlanDevice& device, const PlanRequest& request);

}  // namespace docmind::control
