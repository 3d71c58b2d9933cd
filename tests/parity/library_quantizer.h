// LibraryQuantizer: llama.cpp's own quantizer, from the shared library of the oracle, in a process of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace docmind::test {

// Why it cannot be asked here: the oracle is missing, or its library has another name.
[[nodiscard]] std::optional<std::string> library_quantizer_missing();

// llama_model_quantize() to a mix by its number in general.file_type; throws std::runtime_error when it fails.
void quantize_with_library(const std::string& from, const std::string& to, uint32_t file_type);

}  // namespace docmind::test
