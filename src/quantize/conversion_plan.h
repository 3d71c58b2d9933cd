// ConversionPlan: what becomes of each tensor of a file, and how large the result is, before anything is written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "gguf/file.h"
#include "kernels/tensor_type.h"
#include "quantize/tensor_choice.h"

namespace docmind::quantize {

struct PlannedTensor {
  const gguf::TensorInfo* tensor = nullptr;  // borrowed from the file
  bool copied = true;                        // byte by byte: its type stays
  kernels::TensorTypeInfo from = {};         // unless copied of a type that we do not read
  kernels::TensorTypeInfo to = {};           // unless copied
  std::string why = {};                      // of the choice, or of a loss that was there before
  size_t bytes_after = 0;
};

struct ConversionPlan {
  std::vector<PlannedTensor> tensors;  // in file order
  size_t bytes_before = 0, bytes_after = 0;  // of all tensors
  size_t file_bytes = 0;                     // of the result, within a few KiB
};

// Borrows the file. kUnsupported names the architecture when the mixes do not know it, or the first tensor of a type
// that cannot be read; kMalformed a tensor whose size does not fit its dimensions.
Result<ConversionPlan> plan_conversion(const gguf::File& file, Scheme scheme, Level level);

// What the mixes look at. Errors as above.
Result<ModelFacts> read_model_facts(const gguf::File& file);
[[nodiscard]] TensorFacts facts_of(const gguf::TensorInfo& tensor);

}  // namespace docmind::quantize
