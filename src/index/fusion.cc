// Rank fusion: several ranked lists into one.
// SPDX-License-Identifier: Apache-2.0
#include "index/fusion.h"

#include <algorithm>
#include <unordered_map>

namespace docmind::index {

std::vector<ScoredChunk> reciprocal_rank_fusion(std::span<const RankedList> lists, double k,
                                                size_t limit) {
  std::unordered_map<int64_t, double> scores;
  for (const RankedList& list : lists) {
    double rank = 1;
    for (const ScoredChunk& item : list.items) scores[item.chunk_id] += list.weight / (k + rank++);
  }
  std::vector<ScoredChunk> fused;
  fused.reserve(scores.size());
  for (const auto& [chunk_id, score] : scores) fused.push_back({chunk_id, score});
  const auto better = [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
  };
  const size_t n = std::min(limit, fused.size());
  std::partial_sort(fused.begin(), fused.begin() + static_cast<ptrdiff_t>(n), fused.end(), better);
  fused.resize(n);
  return fused;
}

}  // namespace docmind::index
