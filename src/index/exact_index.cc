// The exact vector index: one pass over all rows.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "index/vector_index.h"

namespace docmind::index {
namespace {

bool better(const ScoredChunk& a, const ScoredChunk& b) {
  return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
}

class ExactIndex final : public VectorIndex {
 public:
  explicit ExactIndex(VectorMatrix matrix) : matrix_(std::move(matrix)) {}

  std::string_view kind() const override { return "exact"; }
  size_t n_rows() const override { return matrix_.n_rows(); }

  Result<std::vector<ScoredChunk>> search(std::span<const float> query, size_t k) const override {
    if (matrix_.n_rows() > 0 && query.size() != matrix_.dimension()) {
      return Error{ErrorCode::kInvalidArgument,
                   "the query has " + std::to_string(query.size()) + " dimensions, the index has " +
                       std::to_string(matrix_.dimension())};
    }
    const QuantizedQuery quantized = quantize_query(query);
    std::vector<ScoredChunk> heap;  // the worst of the best k at the front
    heap.reserve(std::min(k, matrix_.n_rows()) + 1);
    for (size_t row = 0; k > 0 && row < matrix_.n_rows(); ++row) {
      const ScoredChunk candidate{
          matrix_.id(row), inner_product(quantized.scale, quantized.codes, matrix_.scale(row),
                                         matrix_.codes(row))};
      if (heap.size() == k && !better(candidate, heap.front())) continue;
      heap.push_back(candidate);
      std::push_heap(heap.begin(), heap.end(), better);
      if (heap.size() > k) {
        std::pop_heap(heap.begin(), heap.end(), better);
        heap.pop_back();
      }
    }
    std::sort_heap(heap.begin(), heap.end(), better);
    return heap;
  }

 private:
  VectorMatrix matrix_;
};

}  // namespace

std::unique_ptr<VectorIndex> make_exact_index(VectorMatrix matrix) {
  return std::make_unique<ExactIndex>(std::move(matrix));
}

}  // namespace docmind::index
