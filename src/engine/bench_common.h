// What the measurements of models have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace docmind::engine {

// Of at least one value.
[[nodiscard]] inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

[[nodiscard]] inline Error stopped() { return Error{ErrorCode::kCancelled, "the measurement was stopped"}; }

}  // namespace docmind::engine
