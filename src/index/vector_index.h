// VectorIndex: nearest neighbours by inner product, exact or approximate behind one interface.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "index/types.h"
#include "index/vector_matrix.h"

namespace docmind::index {

// Immutable once built; search() may run on many threads at once.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;
  // "exact" or "hnsw".
  [[nodiscard]] virtual std::string_view kind() const = 0;
  [[nodiscard]] virtual size_t n_rows() const = 0;
  // The `k` rows with the largest inner product with `query` [dimension], best first, ties by id.
  // kInvalidArgument when the dimensions differ and there are rows.
  [[nodiscard]] virtual Result<std::vector<ScoredChunk>> search(std::span<const float> query,
                                                                size_t k) const = 0;
};

// Scans every row: exact over the stored int8 vectors, bounded by memory bandwidth.
std::unique_ptr<VectorIndex> make_exact_index(VectorMatrix matrix);

// Parameters of the HNSW graph (Malkov and Yashunin, arXiv 1603.09320).
struct HnswOptions {
  size_t m = 16;                // links a node
  size_t ef_construction = 200; // candidates while building
  size_t ef_search = 200;       // candidates while searching; at least k
};

// A graph over the rows of a matrix (hnswlib), for stores too large to scan.
Result<std::unique_ptr<VectorIndex>> build_hnsw_index(const VectorMatrix& matrix,
                                                      const HnswOptions& options);

// Saves the graph with the generation of the store that it belongs to; replaces the file at once.
Status save_hnsw_index(const VectorIndex& index, const std::string& path, int64_t generation);
// kNotFound without a file, kMismatch when it belongs to another generation or dimension,
// kMalformed when it is damaged; the caller then scans or rebuilds.
Result<std::unique_ptr<VectorIndex>> load_hnsw_index(const std::string& path, int64_t generation,
                                                     size_t dimension, const HnswOptions& options);

}  // namespace docmind::index
