// SpecialTokens: finds the tokens that stand in a text as they are, before anything is split.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/token_table.h"
#include "tokenizer/tokenizer.h"

namespace docmind::tokenizer {

// A part of a text: either a token or, when token < 0, text between tokens (never empty).
struct Fragment {
  std::string_view text;
  TokenId token = -1;
};

// Immutable and safe to use from several threads. Borrows the vocabulary.
class SpecialTokens {
 public:
  SpecialTokens() = default;
  // User-defined tokens and, with `with_control`, control and unknown tokens.
  SpecialTokens(const Vocabulary& vocabulary, bool with_control);

  // Longer tokens are found before shorter ones, wherever they stand; of equally long ones the
  // leftmost. Time: a look at each byte, and one pass for each length of token that occurs.
  [[nodiscard]] std::vector<Fragment> split(std::string_view text) const;

 private:
  [[nodiscard]] std::vector<uint32_t> lengths_in(std::string_view text) const;
  [[nodiscard]] TokenId token_at(std::string_view text, size_t at, size_t n_bytes) const;

  const std::vector<std::string>* texts_ = nullptr;
  TokenTable table_;
  // By a token's first byte: the lengths of such tokens, longest first.
  std::array<std::vector<uint32_t>, 256> lengths_;
};

}  // namespace docmind::tokenizer
