// Randomized truncated SVD of a sparse matrix: its leading right singular vectors.
// SPDX-License-Identifier: Apache-2.0
#include "providers/randomized_svd.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <Eigen/Eigenvalues>

namespace docmind::providers {
namespace {

using Gram = Eigen::MatrixXd;

// x' * x, summed over fixed blocks of rows so that the result does not depend on the threads.
Gram gram(const DenseMatrix& x, ThreadPool& pool) {
  constexpr Eigen::Index kRowsPerTask = 1024;
  const auto n_tasks = static_cast<size_t>((x.rows() + kRowsPerTask - 1) / kRowsPerTask);
  std::vector<Eigen::MatrixXf> parts(n_tasks);
  pool.parallel_for(n_tasks, [&](size_t task, size_t) {
    const auto begin = static_cast<Eigen::Index>(task) * kRowsPerTask;
    const auto block = x.middleRows(begin, std::min(kRowsPerTask, x.rows() - begin));
    parts[task].noalias() = block.transpose() * block;
  });
  Gram sum = Gram::Zero(x.cols(), x.cols());
  for (const Eigen::MatrixXf& part : parts) sum += part.cast<double>();
  return sum;
}

DenseMatrix times(const DenseMatrix& x, const Gram& small, ThreadPool& pool) {
  constexpr Eigen::Index kRowsPerTask = 1024;
  const DenseMatrix right = small.cast<float>();
  DenseMatrix result(x.rows(), right.cols());
  const auto n_tasks = static_cast<size_t>((x.rows() + kRowsPerTask - 1) / kRowsPerTask);
  pool.parallel_for(n_tasks, [&](size_t task, size_t) {
    const auto begin = static_cast<Eigen::Index>(task) * kRowsPerTask;
    const Eigen::Index n = std::min(kRowsPerTask, x.rows() - begin);
    result.middleRows(begin, n).noalias() = x.middleRows(begin, n) * right;
  });
  return result;
}

// Columns of x as an orthonormal set, strongest first, through the eigenvectors of x'x; directions
// that vanish in single precision become zero columns. `keep` columns are returned.
DenseMatrix orthonormal(const DenseMatrix& x, Eigen::Index keep, ThreadPool& pool) {
  constexpr double kVanishing = 1e-7;
  const Eigen::SelfAdjointEigenSolver<Gram> solver(gram(x, pool));
  const Eigen::Index r = x.cols();
  const double largest = std::max(solver.eigenvalues()(r - 1), 0.0);
  Gram basis = Gram::Zero(r, keep);
  for (Eigen::Index column = 0; column < std::min(keep, r); ++column) {
    const double value = solver.eigenvalues()(r - 1 - column);  // ascending order
    if (value <= kVanishing * largest || value <= 0) break;
    basis.col(column) = solver.eigenvectors().col(r - 1 - column) / std::sqrt(value);
  }
  return times(x, basis, pool);
}

DenseMatrix random_matrix(size_t n_rows, size_t n_columns, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  DenseMatrix matrix(static_cast<Eigen::Index>(n_rows), static_cast<Eigen::Index>(n_columns));
  for (Eigen::Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = normal(engine);
  return matrix;
}

}  // namespace

DenseMatrix right_singular_vectors(const SparseMatrix& matrix, const SvdOptions& options,
                                   ThreadPool& pool) {
  const size_t smaller = std::min(matrix.n_rows(), matrix.n_columns());
  const size_t rank = std::min(options.rank, smaller);
  const size_t width = std::min(rank + options.oversampling, smaller);
  if (rank == 0) {
    return DenseMatrix::Zero(static_cast<Eigen::Index>(matrix.n_columns()),
                             static_cast<Eigen::Index>(options.rank));
  }
  const SparseMatrix transposed = matrix.transposed();
  DenseMatrix left = matrix.multiply(random_matrix(matrix.n_columns(), width, options.seed), pool);
  const auto columns = static_cast<Eigen::Index>(width);
  for (size_t i = 0; i < options.n_iterations; ++i) {
    left = orthonormal(left, columns, pool);
    left = matrix.multiply(transposed.multiply(left, pool), pool);
  }
  left = orthonormal(left, columns, pool);
  left = orthonormal(left, columns, pool);  // twice: once leaves errors of single precision
  // The rows of left' * matrix span the same space as the leading right singular vectors.
  return orthonormal(transposed.multiply(left, pool), static_cast<Eigen::Index>(options.rank), pool);
}

}  // namespace docmind::providers
