// The float twin of a quantized model: what both engines approximate.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"
#include "gguf/file.h"

namespace docmind::test {

// Writes a model of the same values with every tensor as F32: its results carry no rounding of
// activations to 8 bits, so they tell how much of a difference is whose.
Status write_float_twin(const gguf::File& file, const std::string& path);

}  // namespace docmind::test
