// VocabularyTrie: building.
// SPDX-License-Identifier: Apache-2.0
#include "engine/vocabulary_trie.h"

#include <algorithm>
#include <string_view>

namespace docmind::engine {
namespace {

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

std::shared_ptr<const VocabularyTrie> VocabularyTrie::create(const tokenizer::Tokenizer& tokenizer, size_t n_vocab) {
  auto trie = std::make_shared<VocabularyTrie>();
  trie->n_vocab_ = n_vocab;
  const size_t n_tokens = std::min(n_vocab, tokenizer.n_tokens());
  trie->bytes_.resize(n_vocab);
  trie->same_.assign(n_vocab, kNoToken);
  std::vector<std::pair<std::string, TokenId>> entries;
  for (size_t id = 0; id < n_tokens; ++id) {
    const auto token = static_cast<TokenId>(id);
    if (tokenizer.ends_generation(token)) {
      trie->end_tokens_.push_back(token);
      continue;
    }
    std::string bytes = tokenizer.piece(token, false);
    if (bytes.empty()) continue;
    trie->max_bytes_ = std::max(trie->max_bytes_, static_cast<uint32_t>(bytes.size()));
    const auto n_brackets = std::ranges::count_if(bytes, [](char c) { return c == '{' || c == '['; });
    trie->max_brackets_ = std::max(trie->max_brackets_, static_cast<uint32_t>(n_brackets));
    trie->bytes_[id] = bytes;
    entries.emplace_back(std::move(bytes), token);
  }
  trie->build(std::move(entries));
  return trie;
}

void VocabularyTrie::build(std::vector<std::pair<std::string, TokenId>> entries) {
  std::sort(entries.begin(), entries.end());
  nodes_.push_back({});
  std::vector<uint32_t> path = {0};  // the nodes of the last text
  std::string_view last;
  const auto leave = [&](size_t depth) {
    while (path.size() > depth + 1) {
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
      path.pop_back();
    }
  };
  for (const auto& [text, token] : entries) {
    leave(common_prefix(last, text));
    for (size_t i = path.size() - 1; i < text.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.byte = static_cast<uint8_t>(text[i]), .depth = static_cast<uint16_t>(i + 1)});
    }
    Node& node = nodes_[path.back()];
    same_[static_cast<size_t>(token)] = node.token;
    node.token = token;
    last = text;
  }
  leave(0);
  nodes_[0].end = static_cast<uint32_t>(nodes_.size());
}

}  // namespace docmind::engine
