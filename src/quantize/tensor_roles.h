// Roles: what a tensor is for, by its name and shape.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "quantize/tensor_choice.h"

namespace docmind::quantize {

enum class Role {
  kKept,       // norms, biases, positions, token types, classifier heads, rope factors, routers of experts
  kMatrix,     // of a layer, none of the following
  kValue,      // attn_v of a layer
  kFused,      // attn_qkv of a layer
  kDown,       // ffn_down of a layer
  kEmbedding,  // token_embd
  kOutput,     // output
};
[[nodiscard]] Role role_of(const TensorFacts& tensor);

// The number in "blk.N."; -1 without one.
[[nodiscard]] int64_t layer_of(std::string_view name);

}  // namespace docmind::quantize
