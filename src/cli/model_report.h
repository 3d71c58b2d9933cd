// What 'models show' says about a GGUF file: tensors, memory need, metadata.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "gguf/file.h"

namespace docmind::cli {

// "path", "bytes", "architecture", "parameters", "tensor_types" [{"type", "tensors", "elements", "bytes",
// "supported"}], "memory", "metadata", and "quantization", the report that a quantized file carries. Long strings are
// cut, arrays shown by their first elements. Keys that the model does not have are absent.
[[nodiscard]] json::object model_report(const gguf::File& file);

// The same for people.
[[nodiscard]] std::string model_report_text(const json::object& report);

}  // namespace docmind::cli
