// SparseMatrix: compressed rows of floats, and its products with tall dense matrices.
// SPDX-License-Identifier: Apache-2.0
#include "providers/sparse_matrix.h"

#include <algorithm>

namespace docmind::providers {

void SparseMatrix::append_row(std::span<const Entry> entries) {
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  row_ends_.push_back(entries_.size());
}

std::span<const SparseMatrix::Entry> SparseMatrix::row(size_t i) const {
  const size_t begin = i == 0 ? 0 : row_ends_[i - 1];
  return {entries_.data() + begin, row_ends_[i] - begin};
}

SparseMatrix SparseMatrix::transposed() const {
  SparseMatrix result(n_rows());
  result.row_ends_.assign(n_columns_, 0);
  for (const Entry& entry : entries_) ++result.row_ends_[entry.column];
  size_t end = 0;
  std::vector<size_t> next(n_columns_);
  for (size_t column = 0; column < n_columns_; ++column) {
    next[column] = end;
    end += result.row_ends_[column];
    result.row_ends_[column] = end;
  }
  result.entries_.resize(entries_.size());
  for (size_t i = 0; i < n_rows(); ++i) {
    for (const Entry& entry : row(i)) {
      result.entries_[next[entry.column]++] = {static_cast<uint32_t>(i), entry.value};
    }
  }
  return result;
}

DenseMatrix SparseMatrix::multiply(const DenseMatrix& x, ThreadPool& pool) const {
  constexpr size_t kRowsPerTask = 256;
  DenseMatrix result(static_cast<Eigen::Index>(n_rows()), x.cols());
  const size_t n_tasks = (n_rows() + kRowsPerTask - 1) / kRowsPerTask;
  pool.parallel_for(n_tasks, [&](size_t task, size_t) {
    const size_t end = std::min(n_rows(), (task + 1) * kRowsPerTask);
    for (size_t i = task * kRowsPerTask; i < end; ++i) {
      auto out = result.row(static_cast<Eigen::Index>(i));
      out.setZero();
      for (const Entry& entry : row(i)) {
        out.noalias() += entry.value * x.row(static_cast<Eigen::Index>(entry.column));
      }
    }
  });
  return result;
}

}  // namespace docmind::providers
