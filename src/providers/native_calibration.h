// calibrate_model: runs a text through a model of any kind and notes what its matrices are multiplied with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "providers/native_model_access.h"
#include "quantize/importance.h"

namespace docmind::providers {

using CalibrationStep = quantize::ModelAccess::CalibrationStep;

// Errors as ModelAccess::calibrate; kInvalidArgument for a text that leaves nothing to read.
Result<quantize::Importance> calibrate_model(const std::string& path, quantize::ModelKind kind, std::string_view text,
                                             const NativeAccessOptions& options, const CalibrationStep& step);

// kLimit when an embedder or reranker would take more than options.memory_limit_bytes.
[[nodiscard]] Status check_encoder_memory(const std::string& path, const NativeAccessOptions& options);

}  // namespace docmind::providers
