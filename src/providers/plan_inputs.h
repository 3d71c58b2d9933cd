// What the planner needs to know of models and devices: from a GGUF file, the catalogue of shapes, the table of cards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/planner.h"

namespace docmind::providers {

struct PlanInputs {
  control::PlanModel model;
  std::vector<control::PlanModel> others;  // of the same family
};

// `name_or_path` is a GGUF file, or a shape of the catalogue ("qwen3-14b"); kNotFound names the nearest. Sizes of
// weights follow the mixes of quantize/tensor_choice.h; the native provider's are those of packed panels, and its KV
// options those of kv/layout.h; other providers have f16, q8_0, q8_0/q4_0 and q4_0 under our names.
[[nodiscard]] Result<PlanInputs> plan_inputs(const std::string& name_or_path, control::PlanProvider provider,
                                             int64_t prefill_tokens);
[[nodiscard]] std::vector<std::string> plan_shape_names();

// Embedder and reranker (BGE-M3, bge-reranker-v2-m3 in Q8_0) with their buffers.
[[nodiscard]] int64_t plan_rag_bytes(control::PlanProvider provider);

// A card of the table by name, in any case, with or without "NVIDIA" and "GeForce"; kNotFound names the nearest.
[[nodiscard]] Result<control::PlanDevice> find_card(std::string_view name);
// A card of that much memory without a name: the slowest of that class gives the bandwidth.
[[nodiscard]] control::PlanDevice card_of_memory(int64_t n_bytes);
// "12GiB", "12 GB", "8192 MiB", "12g" (GiB): bytes. kInvalidArgument says what is understood.
[[nodiscard]] Result<int64_t> parse_bytes(std::string_view text);

}  // namespace docmind::providers
