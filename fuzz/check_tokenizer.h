// What the fuzz targets of the tokenizers share: vocabularies from inputs, and what must always hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/check.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace docmind::fuzz {

// The input's parts: options (one character each), tokens and merges (a line each), the text, and a
// charsmap of any bytes.
struct TokenizerInput {
  explicit TokenizerInput(std::string_view input) {
    std::vector<std::string_view> parts = split_parts(input, kPartSeparator, 5);
    parts.resize(5);
    options = parts[0];
    tokens = split_parts(parts[1], '\n', 200);
    merges = split_parts(parts[2], '\n', 200);
    text = parts[3];
    charsmap = parts[4];
  }
  [[nodiscard]] bool option(char name) const { return options.find(name) != std::string_view::npos; }

  std::string_view options;
  std::vector<std::string_view> tokens;  // a digit for the type, a letter for the score, the text
  std::vector<std::string_view> merges;
  std::string_view text;
  std::string_view charsmap;
};

inline void add_token(tokenizer::Vocabulary& vocabulary, std::string text, tokenizer::TokenType type, float score) {
  vocabulary.tokens.push_back(std::move(text));
  vocabulary.types.push_back(type);
  vocabulary.scores.push_back(score);
}

inline tokenizer::Vocabulary vocabulary_of(const TokenizerInput& input, tokenizer::VocabularyKind kind) {
  tokenizer::Vocabulary vocabulary;
  vocabulary.kind = kind;
  add_token(vocabulary, "<s>", tokenizer::TokenType::kControl, 0);
  add_token(vocabulary, "</s>", tokenizer::TokenType::kControl, 0);
  add_token(vocabulary, "<unk>", tokenizer::TokenType::kUnknown, 0);
  vocabulary.bos = 0, vocabulary.eos = 1;
  if (!input.option('u')) vocabulary.unknown = 2;
  for (const std::string_view token : input.tokens) {
    const int type = token.empty() ? 1 : token[0] - '0';
    const int score = token.size() < 2 ? 0 : token[1] - 'a';
    add_token(vocabulary, std::string(token.substr(std::min<size_t>(2, token.size()))),
              static_cast<tokenizer::TokenType>(std::clamp(type, 0, 9)), -0.5f * static_cast<float>(score));
  }
  for (const std::string_view merge : input.merges) vocabulary.merges.emplace_back(merge);
  vocabulary.precompiled_charsmap = input.charsmap;
  vocabulary.add_bos = input.option('b');
  vocabulary.add_eos = input.option('e');
  vocabulary.add_space_prefix = !input.option('p');
  vocabulary.remove_extra_whitespaces = input.option('w');
  vocabulary.lowercase = !input.option('l');
  vocabulary.strip_accents = !input.option('a');
  return vocabulary;
}

// Tokens exist, plain text gives no control tokens, and the same text always gives the same tokens.
inline std::vector<tokenizer::TokenId> check_encoding(const tokenizer::Tokenizer& tokenizer, std::string_view text) {
  const tokenizer::Vocabulary& vocabulary = tokenizer.vocabulary();
  const auto exists = [&](tokenizer::TokenId token) {
    return token >= 0 && static_cast<size_t>(token) < vocabulary.tokens.size();
  };
  const auto tokens = tokenizer.encode(text, {.add_special = false, .parse_special = false});
  for (const tokenizer::TokenId token : tokens) {
    require(exists(token), "a token exists");
    require(vocabulary.types[static_cast<size_t>(token)] != tokenizer::TokenType::kControl,
            "plain text gives no control token");
  }
  require(tokenizer.encode(text, {.add_special = false, .parse_special = false}) == tokens, "the same tokens again");
  for (const tokenizer::TokenId token : tokenizer.encode(text, {.parse_special = true})) {
    require(exists(token), "a parsed token exists");
  }
  size_t n_cut = 0;
  const size_t max_tokens = text.size() % 23;
  require(tokenizer.encode_pair(text, text, max_tokens, &n_cut).size() <= max_tokens, "a pair fits its room");
  require(n_cut <= 2 * tokens.size(), "no more is cut than there is");
  return tokens;
}

}  // namespace docmind::fuzz
