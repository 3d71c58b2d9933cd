// Pair merging: the loop that both kinds of byte pair encoding share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace docmind::tokenizer {

// A piece [begin, end) of a word. Ids are the vocabulary's, or further ones of the caller's own.
struct Symbol {
  uint32_t begin = 0;
  uint32_t end = 0;
  int32_t id = -1;
};

struct Merge {
  static constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
  uint32_t rank = kNever;  // lower ones go first, of equal ones the leftmost
  int32_t id = -1;         // of the merged symbol
};

// Merges neighbours until no pair can be merged, in time n log n for a long word. Keeps its memory
// between words.
class PairMerger {
 public:
  // Words are at most this long: places are 32 bits wide.
  static constexpr size_t kMaxWordBytes = size_t{1} << 30;

  // `find(left, right)` gives the Merge of two neighbours and depends on nothing else.
  template <typename Find>
  void merge(std::vector<Symbol>& symbols, Find find) {
    if (symbols.size() <= kShort) merge_short(symbols, find);
    else merge_long(symbols, find);
  }

 private:
  // Up to here scanning all pairs for the best is faster than a heap.
  static constexpr size_t kShort = 32;

  struct Link {
    uint32_t before;
    uint32_t after;
  };
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  template <typename Find>
  void merge_short(std::vector<Symbol>& symbols, Find& find) {
    Merge merges[kShort];  // of symbols i and i + 1
    size_t n = symbols.size();
    for (size_t i = 0; i + 1 < n; ++i) merges[i] = find(symbols[i], symbols[i + 1]);
    while (n > 1) {
      size_t best = 0;
      for (size_t i = 1; i + 1 < n; ++i) {
        if (merges[i].rank < merges[best].rank) best = i;
      }
      if (merges[best].rank == Merge::kNever) break;
      symbols[best].end = symbols[best + 1].end;
      symbols[best].id = merges[best].id;
      for (size_t i = best + 1; i + 1 < n; ++i) {
        symbols[i] = symbols[i + 1];
        merges[i] = merges[i + 1];
      }
      --n;
      if (best > 0) merges[best - 1] = find(symbols[best - 1], symbols[best]);
      if (best + 1 < n) merges[best] = find(symbols[best], symbols[best + 1]);
    }
    symbols.resize(n);
  }

  template <typename Find>
  void merge_long(std::vector<Symbol>& symbols, Find& find) {
    const auto n = static_cast<uint32_t>(symbols.size());
    links_.resize(n);
    for (uint32_t i = 0; i < n; ++i) links_[i] = {i == 0 ? kNone : i - 1, i + 1 == n ? kNone : i + 1};
    candidates_.clear();
    const auto found = [&](uint32_t left, uint32_t right) {
      const Merge merge = find(symbols[left], symbols[right]);
      if (merge.rank != Merge::kNever) candidates_.push_back((uint64_t{merge.rank} << 32) | left);
      return merge.rank != Merge::kNever;
    };
    for (uint32_t i = 0; i + 1 < n; ++i) found(i, i + 1);
    std::make_heap(candidates_.begin(), candidates_.end(), std::greater<>());
    const auto push = [&](uint32_t left, uint32_t right) {
      if (left == kNone || right == kNone || !found(left, right)) return;
      std::push_heap(candidates_.begin(), candidates_.end(), std::greater<>());
    };
    while (!candidates_.empty()) {
      std::pop_heap(candidates_.begin(), candidates_.end(), std::greater<>());
      const auto rank = static_cast<uint32_t>(candidates_.back() >> 32);
      const auto left = static_cast<uint32_t>(candidates_.back());
      candidates_.pop_back();
      // Out of date when the left symbol is gone or the pair is no longer the one of this rank.
      const uint32_t right = links_[left].after;
      if (symbols[left].begin == symbols[left].end || right == kNone) continue;
      const Merge merge = find(symbols[left], symbols[right]);
      if (merge.rank != rank) continue;
      symbols[left].end = symbols[right].end;
      symbols[left].id = merge.id;
      symbols[right].begin = symbols[right].end;  // gone
      const uint32_t next = links_[right].after;
      links_[left].after = next;
      if (next != kNone) links_[next].before = left;
      push(links_[left].before, left);
      push(left, next);
    }
    std::erase_if(symbols, [](const Symbol& symbol) { return symbol.begin == symbol.end; });
  }

  std::vector<Link> links_;
  std::vector<uint64_t> candidates_;  // rank and place of the left symbol: a heap, the best in front
};

}  // namespace docmind::tokenizer
