// FragmentTokenizer: what all kinds of tokenizer do around their own splitting of plain text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/special_tokens.h"
#include "tokenizer/tokenizer.h"

namespace docmind::tokenizer {

// Finds special tokens, adds the first and the last one and leaves the text between to a subclass.
class FragmentTokenizer : public Tokenizer {
 public:
  explicit FragmentTokenizer(Vocabulary vocabulary);

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const final;
  // Control and unknown tokens as asked, all others through plain_piece().
  [[nodiscard]] std::string piece(TokenId token, bool with_special) const final;

 protected:
  // Appends the tokens of a text that holds no special token; `first` where a special token or
  // nothing is before it. Never gives a control token.
  virtual void encode_fragment(std::string_view text, bool first, std::vector<TokenId>& tokens) const = 0;
  [[nodiscard]] virtual std::string plain_piece(TokenId token) const = 0;

  // Whether text may become this token: control and unknown tokens are never spelled out.
  [[nodiscard]] bool is_text(TokenId token) const;
  void append_unknown(std::vector<TokenId>& tokens) const {
    if (vocabulary_.unknown) tokens.push_back(*vocabulary_.unknown);
  }

 private:
  SpecialTokens user_defined_;
  SpecialTokens all_special_;
};

// Whether the tokenizer, given exactly a token's text, finds just this token: most words of a text
// are such tokens, and the answer to the first of each kind spares the work for the others. Safe to
// use from several threads, which at worst find the same answer twice.
class WholeTokens {
 public:
  explicit WholeTokens(size_t n_tokens) : states_(std::make_unique<std::atomic<State>[]>(n_tokens)) {}

  // `encode_word` gives the word's tokens at the end of `tokens`.
  template <typename EncodeWord>
  void encode(TokenId token, std::vector<TokenId>& tokens, EncodeWord encode_word) {
    std::atomic<State>& state = states_[static_cast<size_t>(token)];
    const State known = state.load(std::memory_order_relaxed);
    if (known == State::kWhole) {
      tokens.push_back(token);
      return;
    }
    const size_t n_before = tokens.size();
    encode_word();
    if (known == State::kParts) return;
    const bool whole = tokens.size() == n_before + 1 && tokens.back() == token;
    state.store(whole ? State::kWhole : State::kParts, std::memory_order_relaxed);
  }

 private:
  enum class State : uint8_t { kUntested, kWhole, kParts };
  std::unique_ptr<std::atomic<State>[]> states_;
};

}  // namespace docmind::tokenizer
