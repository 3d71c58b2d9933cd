// TokenTrie: texts by their prefixes, for the longest match and for all matches at a place.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace docmind::tokenizer {

// Immutable after building and then safe to use from several threads. The children of a node lie
// side by side, their bytes in an array of their own, so that a step is one short search there.
class TokenTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNowhere = UINT32_MAX;
  static constexpr int32_t kNoToken = -1;

  TokenTrie() = default;
  // Empty texts are left out; of equal texts the last one counts.
  explicit TokenTrie(std::vector<std::pair<std::string_view, int32_t>> entries);

  // The node below `node` at `byte`.
  [[nodiscard]] Node step(Node node, char byte) const {
    const Children& children = children_[node];
    const uint8_t* bytes = bytes_.data() + children.first;
    const void* found = std::memchr(bytes, static_cast<uint8_t>(byte), children.n);
    return found == nullptr ? kNowhere
                            : children.first + static_cast<Node>(static_cast<const uint8_t*>(found) - bytes);
  }
  [[nodiscard]] Node step(Node node, std::string_view text) const {
    for (const char c : text) {
      if (node == kNowhere) break;
      node = step(node, c);
    }
    return node;
  }
  [[nodiscard]] int32_t token(Node node) const { return children_[node].token; }

 private:
  struct Children {
    Node first = 0;
    uint32_t n = 0;
    int32_t token = kNoToken;
  };
  std::vector<Children> children_ = {Children{}};  // of each node
  std::vector<uint8_t> bytes_ = {0};               // that lead to each node
};

}  // namespace docmind::tokenizer
