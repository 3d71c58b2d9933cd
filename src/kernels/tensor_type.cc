// The table of tensor types.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/tensor_type.h"

#include <algorithm>
#include <array>

namespace docmind::kernels {
namespace {

constexpr std::array kTypes = {
    TensorTypeInfo{TensorType::kF32, "F32", 1, 4},
    TensorTypeInfo{TensorType::kF16, "F16", 1, 2},
    TensorTypeInfo{TensorType::kBF16, "BF16", 1, 2},
    TensorTypeInfo{TensorType::kQ8_0, "Q8_0", BlockQ8_0::kLen, sizeof(BlockQ8_0)},
    TensorTypeInfo{TensorType::kQ4_0, "Q4_0", BlockQ4_0::kLen, sizeof(BlockQ4_0)},
    TensorTypeInfo{TensorType::kQ4_K, "Q4_K", BlockQ4_K::kLen, sizeof(BlockQ4_K)},
    TensorTypeInfo{TensorType::kQ5_K, "Q5_K", BlockQ5_K::kLen, sizeof(BlockQ5_K)},
    TensorTypeInfo{TensorType::kQ6_K, "Q6_K", BlockQ6_K::kLen, sizeof(BlockQ6_K)},
};

// By number; empty: never assigned or removed from the format.
constexpr std::array<std::string_view, 43> kNames = {
    "F32", "F16", "Q4_0", "Q4_1", "", "", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K",
    "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S",
    "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "", "", "", "TQ1_0", "TQ2_0", "",
    "", "", "MXFP4", "NVFP4", "Q1_0", "Q2_0"};

}  // namespace

std::optional<TensorTypeInfo> find_tensor_type(uint32_t gguf_type) {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TensorTypeInfo& info) {
    return static_cast<uint32_t>(info.type) == gguf_type;
  });
  if (found == kTypes.end()) return std::nullopt;
  return *found;
}

TensorTypeInfo tensor_type_info(TensorType type) {
  return *find_tensor_type(static_cast<uint32_t>(type));
}

std::string_view gguf_type_name(uint32_t gguf_type) {
  return gguf_type < kNames.size() ? kNames[gguf_type] : std::string_view();
}

}  // namespace docmind::kernels
