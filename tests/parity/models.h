// What the parity tests share: instruction sets, limits, and prompts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/tensor_type.h"
#include "model/model_fixture.h"
#include "parity/oracle.h"

namespace docmind::test {

// Every instruction set that this CPU has; the best last.
[[nodiscard]] std::vector<std::string> available_isas();

inline constexpr kernels::TensorType kAllTypes[] = {
    kernels::TensorType::kF32,  kernels::TensorType::kF16,  kernels::TensorType::kBF16, kernels::TensorType::kQ8_0,
    kernels::TensorType::kQ4_0, kernels::TensorType::kQ4_K, kernels::TensorType::kQ5_K, kernels::TensorType::kQ6_K};

// What the issue of the native engine asks for, by the type of the matrices.
[[nodiscard]] double largest_divergence(kernels::TensorType type);
[[nodiscard]] double least_cosine(kernels::TensorType type);

[[nodiscard]] std::vector<float> as_floats(std::span<const double> values);
// The mean over the rows of n_vocab of the KL divergences of softmax(got) from softmax(expected).
[[nodiscard]] double mean_divergence(std::span<const double> expected, std::span<const float> got, int64_t n_vocab);

// Notes the worst that a test saw: its name in the XML report, and a line on standard output.
void report_worst(std::string_view what, double value);

// The rows of `logits` [n, n_vocab] at `positions`.
[[nodiscard]] std::vector<float> rows_at(std::span<const float> logits, std::span<const TokenId> positions,
                                         int64_t n_vocab);

}  // namespace docmind::test
