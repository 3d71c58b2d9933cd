// What a model's weights take in each type: by the mixes of the quantizer, or as a file has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/planner.h"
#include "model/decoder.h"
#include "providers/plan_shapes.h"

namespace docmind::providers {

// A model as far as sizes depend on it. `config` has its sizes and architecture.
struct PlanTensors {
  model::DecoderConfig config;
  std::vector<PlanTensor> tensors;
  [[nodiscard]] bool tied() const;  // no output.weight: the embeddings multiply as the output
  [[nodiscard]] int64_t n_parameters() const;
};

// How the native engine loads: its packed panels and passes are counted for it.
struct NativePlan {
  size_t n_threads = 1;
  int64_t prefill_tokens = 512;
};

// The types that the tensors have; kUnsupported where one is of a type whose size is not known.
[[nodiscard]] Result<control::WeightOption> weights_as_they_are(const PlanTensors& model, const std::string& name,
                                                                const NativePlan* native);
// F16, Q8_0, Q6_K, Q5_K_M, Q4_K_M and Q4_K_S, largest first, with what is published of their loss. `native` null: as
// in a file. For a model whose tensors are floats.
[[nodiscard]] Result<std::vector<control::WeightOption>> quantized_weights(const PlanTensors& model,
                                                                           const NativePlan* native);

// What is published of the loss of a mix of that name, if anything is.
void add_published_quality(control::WeightOption& option);

}  // namespace docmind::providers
