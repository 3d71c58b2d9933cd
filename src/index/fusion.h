// Rank fusion: several ranked lists into one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "index/types.h"

namespace docmind::index {

// A ranked list, best first, and how much its ranks count.
struct RankedList {
  std::span<const ScoredChunk> items;  // borrowed; each chunk at most once
  double weight = 1.0;
};

// Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009): a chunk's score is the sum over
// lists of weight / (k + rank), rank from 1. Best first, ties by chunk id; at most `limit`.
[[nodiscard]] std::vector<ScoredChunk> reciprocal_rank_fusion(std::span<const RankedList> lists,
                                                              double k, size_t limit);

}  // namespace docmind::index
