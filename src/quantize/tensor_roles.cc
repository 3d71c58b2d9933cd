// Roles: what a tensor is for, by its name and shape.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/tensor_roles.h"

#include <charconv>

namespace docmind::quantize {

int64_t layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return -1;
  const char* const end = name.data() + name.size();
  int32_t layer = -1;
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, layer);
  return error == std::errc() && stop != end && *stop == '.' && layer >= 0 ? layer : -1;
}

Role role_of(const TensorFacts& tensor) {
  const std::string_view name = tensor.name;
  if (!name.ends_with(".weight") || tensor.n_elements() <= tensor.dims[0]) return Role::kKept;
  if (name == "token_embd.weight") return Role::kEmbedding;
  if (name == "output.weight") return Role::kOutput;
  if (layer_of(name) < 0 || name.ends_with("_norm.weight") || name.ends_with(".ffn_gate_inp.weight")) {
    return Role::kKept;
  }
  const std::string_view part = name.substr(name.find('.', 4) + 1);  // behind "blk.N."
  if (part == "attn_v.weight") return Role::kValue;
  if (part == "attn_qkv.weight") return Role::kFused;
  // A matrix for each expert, one behind the other.
  if (part == "ffn_down.weight" || part == "ffn_down_exps.weight") return Role::kDown;
  return Role::kMatrix;
}

}  // namespace docmind::quantize
