// The catalogue of shapes: models that can be planned by name, without a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::providers {

// As the configuration that its makers publish says. `family` names models that can stand in for one another.
struct PlanShape {
  std::string_view name;  // "qwen3-14b"
  std::string_view family;
  std::string_view architecture;
  std::string_view hugging_face;  // "Qwen/Qwen3-14B"
  std::string_view ollama;        // "qwen3:14b"
  int64_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab;
  bool tied;
  double rope_base;
  int64_t file_context, trained_context, largest_context;  // as in control::PlanModel
};

// Largest first within a family.
[[nodiscard]] std::span<const PlanShape> plan_shapes();

// By our name, that of Hugging Face or of Ollama, in any case and with any of "-_:. " between the parts.
// kNotFound names the nearest, and says so of models that only seem to exist ("Qwen3-14B-Instruct").
[[nodiscard]] Result<const PlanShape*> find_plan_shape(std::string_view name);

// A tensor, of a shape or of a file.
struct PlanTensor {
  std::string name;
  int64_t dims[4] = {1, 1, 1, 1};  // fastest first
  int n_dims = 1;
  uint32_t gguf_type = 0;
  [[nodiscard]] int64_t n_elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
};
// All tensors that a GGUF file of the shape has, matrices in F16 and the rest in F32.
[[nodiscard]] std::vector<PlanTensor> tensors_of(const PlanShape& shape);

}  // namespace docmind::providers
