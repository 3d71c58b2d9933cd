// TokenTrie: building.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_trie.h"

#include <algorithm>

namespace docmind::tokenizer {

TokenTrie::TokenTrie(std::vector<std::pair<std::string_view, int32_t>> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  struct Range {  // of the entries that share the bytes on the way to a node
    size_t begin;
    size_t end;
  };
  // Level by level: all texts in a node's range share their first `depth` bytes.
  std::vector<std::pair<Node, Range>> level = {{kRoot, {0, entries.size()}}};
  for (size_t depth = 0; !level.empty(); ++depth) {
    std::vector<std::pair<Node, Range>> next;
    for (auto [node, range] : level) {
      while (range.begin < range.end && entries[range.begin].first.size() == depth) {
        if (depth > 0) children_[node].token = entries[range.begin].second;
        ++range.begin;
      }
      children_[node].first = static_cast<Node>(children_.size());
      while (range.begin < range.end) {
        const char byte = entries[range.begin].first[depth];
        size_t end = range.begin;
        while (end < range.end && entries[end].first[depth] == byte) ++end;
        next.push_back({static_cast<Node>(children_.size()), {range.begin, end}});
        children_.push_back({});
        bytes_.push_back(static_cast<uint8_t>(byte));
        ++children_[node].n;
        range.begin = end;
      }
    }
    level = std::move(next);
  }
}

}  // namespace docmind::tokenizer
