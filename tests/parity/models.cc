// What the parity tests share.
// SPDX-License-Identifier: Apache-2.0
#include "parity/models.h"

#include <fmt/format.h>

namespace docmind::test {

using kernels::Isa;
using kernels::TensorType;

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kAvx512Bf16}) {
    if (kernels::kernel_table(isa).ok()) names.emplace_back(kernels::isa_name(isa));
  }
  return names;
}

double largest_divergence(TensorType type) { return type == TensorType::kF32 ? 1e-5 : 1e-3; }
double least_cosine(TensorType type) { return type == TensorType::kF32 ? 0.9999 : 0.999; }

std::vector<float> as_floats(std::span<const double> values) { return {values.begin(), values.end()}; }

double mean_divergence(std::span<const double> expected, std::span<const float> got, int64_t n_vocab) {
  const auto n = static_cast<size_t>(n_vocab);
  double sum = 0;
  for (size_t at = 0; at + n <= got.size(); at += n) {
    sum += worst_divergence(expected.subspan(at, n), got.subspan(at, n), n_vocab);
  }
  return sum * static_cast<double>(n) / static_cast<double>(got.size());
}

void report_worst(std::string_view what, double value) {
  const std::string text = fmt::format("{:.3g}", value);
  testing::Test::RecordProperty(std::string(what).c_str(), text.c_str());
  fmt::print("    {}: {}\n", what, text);
}

std::vector<float> rows_at(std::span<const float> logits, std::span<const TokenId> positions, int64_t n_vocab) {
  std::vector<float> rows;
  const auto n = static_cast<size_t>(n_vocab);
  for (const TokenId position : positions) {
    const auto row = logits.subspan(static_cast<size_t>(position) * n, n);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

}  // namespace docmind::test
