// Importance: how much an error in each column of each matrix counts, learned from a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::quantize {

// Mean squares of the activations that each matrix was multiplied with. Read-only once it is made.
class Importance {
 public:
  void set(std::string tensor, std::vector<float> columns) { columns_[std::move(tensor)] = std::move(columns); }
  // Empty for a tensor that was not seen.
  [[nodiscard]] std::span<const float> find(std::string_view tensor) const {
    const auto found = columns_.find(tensor);
    return found == columns_.end() ? std::span<const float>() : std::span<const float>(found->second);
  }
  [[nodiscard]] size_t n_tensors() const { return columns_.size(); }

 private:
  std::map<std::string, std::vector<float>, std::less<>> columns_;
};

}  // namespace docmind::quantize
