// SpecialTokens: splitting a text around its tokens.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/special_tokens.h"

#include <algorithm>
#include <functional>

namespace docmind::tokenizer {

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary, bool with_control) : texts_(&vocabulary.tokens) {
  const auto wanted = [&](size_t id) {
    if (vocabulary.tokens[id].empty() || vocabulary.types.empty()) return false;
    const TokenType type = vocabulary.types[id];
    return type == TokenType::kUserDefined ||
           (with_control && (type == TokenType::kControl || type == TokenType::kUnknown));
  };
  table_ = TokenTable(vocabulary.tokens, wanted);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!wanted(id)) continue;
    const std::string& text = vocabulary.tokens[id];
    lengths_[static_cast<uint8_t>(text[0])].push_back(static_cast<uint32_t>(text.size()));
  }
  for (std::vector<uint32_t>& lengths : lengths_) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  }
}

TokenId SpecialTokens::token_at(std::string_view text, size_t at, size_t n_bytes) const {
  return at + n_bytes > text.size() ? TokenTable::kNone : table_.find(*texts_, text.substr(at, n_bytes));
}

// The lengths of all tokens that occur in the text, longest first.
std::vector<uint32_t> SpecialTokens::lengths_in(std::string_view text) const {
  std::vector<uint32_t> found;
  for (size_t at = 0; at < text.size(); ++at) {
    for (const uint32_t n_bytes : lengths_[static_cast<uint8_t>(text[at])]) {
      if (std::find(found.begin(), found.end(), n_bytes) != found.end()) continue;
      if (token_at(text, at, n_bytes) != TokenTable::kNone) found.push_back(n_bytes);
    }
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

std::vector<Fragment> SpecialTokens::split(std::string_view text) const {
  std::vector<Fragment> fragments;
  if (text.empty()) return fragments;
  fragments.push_back({text, TokenTable::kNone});
  if (texts_ == nullptr) return fragments;
  for (const uint32_t n_bytes : lengths_in(text)) {
    std::vector<Fragment> next;
    for (const Fragment& fragment : fragments) {
      if (fragment.token >= 0) {
        next.push_back(fragment);
        continue;
      }
      size_t start = 0;
      for (size_t at = 0; at + n_bytes <= fragment.text.size();) {
        const auto& lengths = lengths_[static_cast<uint8_t>(fragment.text[at])];
        const bool possible = std::binary_search(lengths.begin(), lengths.end(), n_bytes, std::greater<>());
        const TokenId token = possible ? token_at(fragment.text, at, n_bytes) : TokenTable::kNone;
        if (token == TokenTable::kNone) {
          ++at;
          continue;
        }
        if (at > start) next.push_back({fragment.text.substr(start, at - start), TokenTable::kNone});
        next.push_back({fragment.text.substr(at, n_bytes), token});
        start = at += n_bytes;
      }
      if (start < fragment.text.size()) next.push_back({fragment.text.substr(start), TokenTable::kNone});
    }
    fragments = std::move(next);
  }
  return fragments;
}

}  // namespace docmind::tokenizer
