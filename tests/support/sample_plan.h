// A plan to export: Qwen3-14B with Q4_K_M weights on a card of 24 GB, as the planner would make it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "control/planner.h"

namespace docmind::test {

inline constexpr int64_t kGibibyte = int64_t{1} << 30;

// Bytes of keys and values at `bits` an element.
inline int64_t sample_kv_bytes(const control::PlanChoice& plan, double bits) {
  const control::PlanModel& model = plan.model;
  return static_cast<int64_t>(2.0 * static_cast<double>(model.n_layers * model.n_kv_heads * model.head_dim) *
                              static_cast<double>(plan.context * plan.concurrent) * bits / 8);
}

// Counts `fits` and the missing bytes again after a test changed the plan; `bits` are those of the KV format.
inline void recount_plan(control::PlanChoice& plan, double bits) {
  plan.parts = {{"weights", 9'001'000'000, "Q4_K_M"},
                {"kv", sample_kv_bytes(plan, bits), plan.kv},
                {"overhead", kGibibyte * 9 / 10, ""}};
  plan.total_bytes = 0;
  for (const control::PlanPart& part : plan.parts) plan.total_bytes += part.n_bytes;
  plan.missing_bytes = plan.total_bytes - plan.device.usable_bytes;
  plan.fits = plan.missing_bytes <= 0;
}

inline control::PlanChoice sample_plan(control::PlanProvider provider, std::string kv = "int8", double bits = 8.5,
                                       int64_t context = 32'768) {
  control::PlanChoice plan;
  plan.provider = provider;
  control::PlanModel& model = plan.model;
  model.name = "qwen3-14b";
  model.architecture = "qwen3";
  model.hugging_face = "Qwen/Qwen3-14B";
  model.ollama = "qwen3:14b";
  model.n_parameters = 14'768'000'000;
  model.n_layers = 40;
  model.n_embd = 5'120;
  model.n_heads = 40;
  model.n_kv_heads = 8;
  model.head_dim = 128;
  model.n_vocab = 151'936;
  model.file_context = 40'960;
  model.trained_context = 32'768;
  model.largest_context = 131'072;
  model.rope_base = 1e6;
  plan.device = {.name = "24 GiB card", .gpu = true, .memory_bytes = 24 * kGibibyte,
                 .usable_bytes = kGibibyte * 234 / 10, .bandwidth_gb_per_s = 936};
  plan.weights = "Q4_K_M";
  plan.kv = std::move(kv);
  plan.context = context;
  recount_plan(plan, bits);
  return plan;
}

}  // namespace docmind::test
