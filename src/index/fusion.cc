// Rank fusion: several ranked lists into one.
// SPDX-License-Identifier: Apache-2.0
#include "index/fusion.h"

#include <algorithm>

namespace docmind::index {

std::vector<ScoredChunk> reciprocal_rank_fusion(std::span<const RankedList> lists, double k,
                                                size_t limit) {
  std::vector<ScoredChunk> parts;  // one a list and chunk
  for (const RankedList& list : lists) {
    double rank = 1;
    for (const ScoredChunk& item : list.items) {
      parts.push_back({item.chunk_id, list.weight / (k + rank++)});
    }
  }
  // Added in an order of their own, so that rounding does not depend on the order of the lists.
  std::sort(parts.begin(), parts.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.chunk_id != b.chunk_id ? a.chunk_id < b.chunk_id : a.score < b.score;
  });
  std::vector<ScoredChunk> fused;
  for (const ScoredChunk& part : parts) {
    if (fused.empty() || fused.back().chunk_id != part.chunk_id) {
      fused.push_back(part);
    } else {
      fused.back().score += part.score;
    }
  }
  const auto better = [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
  };
  const size_t n = std::min(limit, fused.size());
  std::partial_sort(fused.begin(), fused.begin() + static_cast<ptrdiff_t>(n), fused.end(), better);
  fused.resize(n);
  return fused;
}

}  // namespace docmind::index
