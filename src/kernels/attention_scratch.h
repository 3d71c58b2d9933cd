// Where the vector versions of attention keep what in their scratch. All parts are 64-byte aligned.
//
// A row is one query of one query head: row r is query r / group, head r % group of the group.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace docmind::kernels {

// Internal linkage, as files compiled for different instruction sets use them.
namespace {  // NOLINT(build/namespaces)

constexpr int64_t kTileKeys = 512;        // keys and values packed at a time (tiled)
constexpr int64_t kMaxTileRows = 12;      // rows that one register tile has
constexpr int64_t kMaxPanel = 32;         // keys or channels that one register tile has
constexpr int64_t kMaxDirectRows = 16;    // up to so many rows, keys are used as they lie (direct)
constexpr int64_t kDirectKeys = 128;      // keys between two looks at the largest score (direct)

constexpr int64_t kPageTokens = 64;       // tokens of a sealed page (kv_page.h)
constexpr int64_t kMaxKeyGroups = 2;      // groups of its tokens that have scales of keys of their own
constexpr int64_t kPageRows = 5;          // rows that a page's codes are unpacked for at a time (direct)
constexpr int64_t kFactorFloats = 2;      // room of what multiplies four codes (direct)

constexpr int64_t round_up_to(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Offsets in floats.
struct TiledScratch {
  int64_t keys, values, queries, largest, sums, scores, spare, lines;
  size_t n_bytes;
};

constexpr TiledScratch tiled_scratch(int64_t head_dim, int64_t n_rows) {
  const int64_t width = round_up_to(head_dim, kMaxPanel);
  const int64_t rows = round_up_to(n_rows, kMaxTileRows) + kMaxPanel;
  TiledScratch at{};
  at.keys = 0;
  at.values = at.keys + kTileKeys * width;
  at.queries = at.values + kTileKeys * width;
  at.largest = at.queries + round_up_to(rows * width, 16);
  at.sums = at.largest + round_up_to(rows, 16);
  at.scores = at.sums + round_up_to(rows, 16);
  at.spare = at.scores + kMaxTileRows * kTileKeys;
  at.lines = at.spare + width;
  at.n_bytes = static_cast<size_t>(at.lines + kMaxKeyGroups * 2 * width) * sizeof(float);
  return at;
}

struct DirectScratch {
  int64_t queries, sums, scores, products, key_factors, weight_factors;
  size_t n_bytes;
};

constexpr DirectScratch direct_scratch(int64_t head_dim) {
  const int64_t width = round_up_to(head_dim, 16);
  DirectScratch at{};
  at.queries = 0;
  at.sums = at.queries + kMaxDirectRows * width;
  at.scores = at.sums + kMaxDirectRows * width;
  at.products = at.scores + kMaxDirectRows * kDirectKeys;
  at.key_factors = at.products + kPageRows * width;
  at.weight_factors = at.key_factors + kPageRows * width / 4 * kFactorFloats;
  at.n_bytes = static_cast<size_t>(at.weight_factors + kPageRows * kPageTokens / 4 * kFactorFloats) * sizeof(float);
  return at;
}

}  // namespace

}  // namespace docmind::kernels
