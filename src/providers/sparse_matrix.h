// SparseMatrix: compressed rows of floats, and its products with tall dense matrices.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "base/thread_pool.h"

namespace docmind::providers {

// Row-major, so that a row of it is one contiguous run for a vector unit.
using DenseMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// [n_rows, n_columns]; rows are appended in order, columns of a row in any order, each once.
class SparseMatrix {
 public:
  struct Entry {
    uint32_t column = 0;
    float value = 0;
  };

  explicit SparseMatrix(size_t n_columns) : n_columns_(n_columns) {}

  void append_row(std::span<const Entry> entries);
  size_t n_rows() const { return row_ends_.size(); }
  size_t n_columns() const { return n_columns_; }
  std::span<const Entry> row(size_t i) const;
  [[nodiscard]] SparseMatrix transposed() const;

  // This [n, m] times `x` [m, r], rows shared among the pool's threads; the same result for any
  // number of threads.
  [[nodiscard]] DenseMatrix multiply(const DenseMatrix& x, ThreadPool& pool) const;

 private:
  size_t n_columns_;
  std::vector<size_t> row_ends_;
  std::vector<Entry> entries_;
};

}  // namespace docmind::providers
