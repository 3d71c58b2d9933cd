// Which tensor of a model becomes which type: schemes, levels, and the mixes that the field calls _S and _M.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernels/tensor_type.h"

namespace docmind::quantize {

// The first four are goals, which a level refines; the others are the mixes of llama.cpp, type by type.
enum class Scheme { kFp16, kInt8, kInt4, kDynamic, kQ8_0, kQ6_K, kQ5_K_M, kQ5_K_S, kQ4_K_M, kQ4_K_S, kQ4_0 };
enum class Level { kConservative, kBalanced, kAggressive };

[[nodiscard]] std::string_view scheme_name(Scheme scheme);  // "q4_k_m"
[[nodiscard]] std::string_view level_name(Level level);
// In any case; "q5_k" and "q4_k" are the _M mixes. kInvalidArgument names the nearest and all that exist.
[[nodiscard]] Result<Scheme> parse_scheme(std::string_view text);
[[nodiscard]] Result<Level> parse_level(std::string_view text);
// GGUF's general.file_type of a scheme at a level.
[[nodiscard]] uint32_t file_type(Scheme scheme, Level level);

// What the mixes look at.
struct TensorFacts {
  std::string_view name;
  int64_t dims[4] = {1, 1, 1, 1};  // fastest first
  int n_dims = 0;
  [[nodiscard]] int64_t n_elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
};
struct ModelFacts {
  std::string architecture;  // "qwen3"
  int64_t n_layers = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;
  bool tied = false;  // token_embd.weight multiplies as the output too
};

struct TensorChoice {
  bool keep = true;  // as the source has it: norms, biases, positions, token types, classifier heads, rope factors
  kernels::TensorType type = kernels::TensorType::kF32;  // unless kept
  std::string why = {};  // in words, where it is not the scheme's main type: "rows of 172 are no whole blocks of 256"
};

// One choice for each tensor, in order. A row length that is no multiple of a type's block gets the next type that
// fits and says so. kInvalidArgument for a level other than balanced with a scheme that has none.
[[nodiscard]] Result<std::vector<TensorChoice>> choose_types(const ModelFacts& model,
                                                             std::span<const TensorFacts> tensors, Scheme scheme,
                                                             Level level);

}  // namespace docmind::quantize
