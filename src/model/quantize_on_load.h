// Which matrices of a file in floats become what when they are packed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/tensor_type.h"
#include "model/decoder.h"

namespace docmind::model {

// "", "int8", "int4"
[[nodiscard]] std::string_view quantize_on_load_name(QuantizeOnLoad quantize);
// The type in which a matrix of the file is packed; `cols` are the elements of its rows. What is no float, has rows
// that are no whole blocks, or is a reranker's classifier keeps its type.
[[nodiscard]] kernels::TensorType type_on_load(QuantizeOnLoad quantize, std::string_view tensor,
                                               kernels::TensorType type, int64_t cols);

}  // namespace docmind::model
