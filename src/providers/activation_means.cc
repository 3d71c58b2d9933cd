// ActivationMeans: mean squares of what each matrix of a model is multiplied with.
// SPDX-License-Identifier: Apache-2.0
#include "providers/activation_means.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::providers {

void ActivationMeans::see(std::string_view tensor, const float* rows, int64_t stride, int64_t n_rows, int64_t cols) {
  auto found = tensors_.find(tensor);
  if (found == tensors_.end()) found = tensors_.emplace(std::string(tensor), Sums{}).first;
  Sums& sums = found->second;
  sums.squares.resize(static_cast<size_t>(cols));
  double* squares = sums.squares.data();
  for (int64_t r = 0; r < n_rows; ++r) {
    const float* row = rows + r * stride;
    for (int64_t c = 0; c < cols; ++c) squares[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
  }
  sums.n_rows += n_rows;
}

Result<quantize::Importance> ActivationMeans::means() const {
  if (tensors_.empty()) return Error{ErrorCode::kInvalidArgument, "the text was too short for the model to read"};
  quantize::Importance importance;
  for (const auto& [name, sums] : tensors_) {
    std::vector<float> columns(sums.squares.size());
    for (size_t c = 0; c < columns.size(); ++c) {
      columns[c] = static_cast<float>(sums.squares[c] / static_cast<double>(sums.n_rows));
      if (std::isfinite(columns[c])) continue;
      return Error{ErrorCode::kMalformed, fmt::format("column {} of '{}' is multiplied with values that are no numbers",
                                                      c, printable(name))};
    }
    importance.set(name, std::move(columns));
  }
  return importance;
}

}  // namespace docmind::providers
