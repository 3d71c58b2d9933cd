// Randomized truncated SVD of a sparse matrix: its leading right singular vectors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"
#include "providers/sparse_matrix.h"

namespace docmind::providers {

struct SvdOptions {
  size_t rank = 192;
  size_t oversampling = 16;
  size_t n_iterations = 2;  // power iterations; each sharpens the spectrum
  uint64_t seed = 42;
};

// Halko, Martinsson and Tropp, "Finding structure with randomness" (SIAM Review 2011), algorithms
// 4.4 and 5.1. Returns V [n_columns, rank]: orthonormal columns, largest singular value first;
// columns beyond the numerical rank of the matrix are zero.
// Deterministic for a given matrix and seed, whatever the number of threads.
[[nodiscard]] DenseMatrix right_singular_vectors(const SparseMatrix& matrix,
                                                 const SvdOptions& options, ThreadPool& pool);

}  // namespace docmind::providers
