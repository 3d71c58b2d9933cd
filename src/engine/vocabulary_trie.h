// VocabularyTrie: the bytes of all tokens, by their prefixes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Tokens without text (control tokens) and those that end a text are not in it. Immutable; any thread. The nodes
// stand in preorder, so that a walk goes forward only and a branch is left by one jump.
class VocabularyTrie {
 public:
  using TokenId = tokenizer::TokenId;
  static constexpr TokenId kNoToken = -1;

  struct Node {
    uint8_t byte = 0;        // that leads to it
    uint16_t depth = 0;      // bytes up to it
    TokenId token = kNoToken;
    uint32_t end = 0;        // the first node after its branch
  };

  // A logit row has `n_vocab` tokens, which may be more than the tokenizer has.
  static std::shared_ptr<const VocabularyTrie> create(const tokenizer::Tokenizer& tokenizer, size_t n_vocab);

  // Node 0 is the root, with no byte.
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  // Calls `use` with each token of a node: several may have the same bytes.
  template <typename Use>
  void for_each_token(const Node& node, Use use) const {
    for (TokenId token = node.token; token != kNoToken; token = same_[static_cast<size_t>(token)]) use(token);
  }
  [[nodiscard]] const std::vector<TokenId>& end_tokens() const { return end_tokens_; }
  // The bytes of a token; empty for those that are not in it.
  [[nodiscard]] const std::string& bytes(TokenId token) const { return bytes_[static_cast<size_t>(token)]; }
  [[nodiscard]] size_t n_vocab() const { return n_vocab_; }
  [[nodiscard]] uint32_t max_bytes() const { return max_bytes_; }        // of a token
  [[nodiscard]] uint32_t max_brackets() const { return max_brackets_; }  // '{' and '[' in a token

 private:
  void build(std::vector<std::pair<std::string, TokenId>> entries);

  std::vector<Node> nodes_;
  std::vector<TokenId> same_;  // the next token with the same bytes
  std::vector<TokenId> end_tokens_;
  std::vector<std::string> bytes_;
  size_t n_vocab_ = 0;
  uint32_t max_bytes_ = 0, max_brackets_ = 0;
};

}  // namespace docmind::engine
