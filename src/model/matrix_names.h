// MatrixNames: what the matrices of a model are called in its file, for those who watch its passes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <unordered_map>

#include "kernels/packed_matrix.h"

namespace docmind::model {

// Matrices are told apart by their place, which they must keep; names are borrowed from the file.
class MatrixNames {
 public:
  void add(const kernels::PackedMatrix& matrix, std::string_view name) { names_[&matrix] = name; }
  // Empty for a matrix that was not added.
  [[nodiscard]] std::string_view find(const kernels::PackedMatrix& matrix) const {
    const auto found = names_.find(&matrix);
    return found == names_.end() ? std::string_view() : found->second;
  }

 private:
  std::unordered_map<const kernels::PackedMatrix*, std::string_view> names_;
};

}  // namespace docmind::model
