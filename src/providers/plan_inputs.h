// What the planner needs to know of models and devices: from a GGUF file, the catalogue of shapes, the table of cards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
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

// `name_or_path` is a GGUF file, or a shape of the catalogue ("qwen3-14b"; with the name of a type at its end only that
// type is planned); kNotFound names the nearest. Sizes of weights follow the mixes of quantize/tensor_choice.h, or are
// those of the file where it is quantized; the native provider's are those of packed panels on `n_threads` threads
// (0: one per CPU), and its KV options those of kv/layout.h; other providers have f16, q8_0, q8_0/q4_0 and q4_0 under
// our names. Of a file only the header is read.
[[nodiscard]] Result<PlanInputs> plan_inputs(const std::string& name_or_path, control::PlanProvider provider,
                                             int64_t prefill_tokens, size_t n_threads = 0);
[[nodiscard]] std::vector<std::string> plan_shape_names();

// Embedder and reranker (BGE-M3, bge-reranker-v2-m3 in Q8_0) with their buffers.
[[nodiscard]] int64_t plan_rag_bytes(control::PlanProvider provider);

// A card of the table by name, in any case, with or without "NVIDIA" and "GeForce", with its memory behind it where
// there are several ("RTX 3060 12GB"; without, the first that was sold); kNotFound names the nearest.
[[nodiscard]] Result<control::PlanDevice> find_card(std::string_view name);
// A card of that much memory without a name: the slowest of that class gives the bandwidth.
[[nodiscard]] control::PlanDevice card_of_memory(int64_t n_bytes);
// What programs may use of a card's memory: display and driver take the rest.
[[nodiscard]] int64_t usable_card_bytes(int64_t memory_bytes);
// "12GiB", "12 GB", "8192 MiB", "12g": bytes. Memory is sold in powers of two, so GB is GiB here and MB MiB; without a
// unit GiB is meant. kInvalidArgument says what is understood.
[[nodiscard]] Result<int64_t> parse_bytes(std::string_view text);

// What the CPU reads from memory, in 1e9 bytes a second, measured within about 15 ms; 0 where that was too short.
[[nodiscard]] double probe_bandwidth(size_t n_threads);

}  // namespace docmind::providers
