// A made-up family of models with the sizes of Qwen3, for tests of the planner.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "control/planner.h"

namespace docmind::control {

inline WeightOption family_weights(const char* name, int64_t n_parameters, double bits, double same_top) {
  const auto n_bytes = static_cast<int64_t>(static_cast<double>(n_parameters) * bits / 8);
  return {.name = name, .n_bytes = n_bytes, .decode_read_bytes = n_bytes / 10 * 9, .bits_per_weight = bits,
          .quality = std::string(name) + " was measured", .same_top = same_top};
}

// Of about so many billion parameters.
inline PlanModel family_model(int64_t billions) {
  PlanModel model;
  model.name = "model-" + std::to_string(billions) + "b";
  model.architecture = "qwen3";
  model.hugging_face = "Made/Up";
  model.ollama = "made:up";
  model.n_parameters = billions * 1'055'000'000;
  model.n_layers = billions >= 14 ? 40 : billions >= 4 ? 36 : 28;
  model.n_embd = 5'120;
  model.n_heads = 40;
  model.n_kv_heads = 8;
  model.head_dim = 128;
  model.n_vocab = 151'936;
  model.file_context = 40'960;
  model.trained_context = 32'768;
  model.largest_context = 131'072;
  model.rope_base = 1e6;
  model.weights = {family_weights("F16", model.n_parameters, 16, 1),
                   family_weights("Q8_0", model.n_parameters, 8.5, 0.9767),
                   family_weights("Q4_K_M", model.n_parameters, 4.87, 0.919),
                   family_weights("Q4_K_S", model.n_parameters, 4.6, 0.907)};
  const auto values = static_cast<double>(model.n_layers * 2 * 8 * 128);
  model.kv = {{"f16", values * 2, 0, 0, "exact"},
              {"int8", values * 8.5 / 8, 0, 0, "nearly exact"},
              {"k8v4", values * 6.5 / 8, 0, 0, ""},
              {"int4", values * 4.5 / 8, 0, 0, ""}};
  model.overhead_bytes = int64_t{1} << 29;
  model.activation_bytes = int64_t{300} << 20;
  return model;
}

inline PlanDevice family_card(int64_t gib) {
  return {.name = "a card", .gpu = true, .memory_bytes = gib << 30,
          .usable_bytes = (gib << 30) - (int64_t{600} << 20), .bandwidth_gb_per_s = 360};
}

}  // namespace docmind::control
