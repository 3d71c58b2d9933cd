// FragmentTokenizer: special tokens, first and last token.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/fragment_tokenizer.h"

namespace docmind::tokenizer {

FragmentTokenizer::FragmentTokenizer(Vocabulary vocabulary)
  : Tokenizer(std::move(vocabulary)), user_defined_(vocabulary_, false), all_special_(vocabulary_, true) {}

std::vector<TokenId> FragmentTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<TokenId> tokens;
  tokens.reserve(text.size() / 3 + 2);
  const auto add_special = [&](bool wanted, std::optional<TokenId> token) {
    if (options.add_special && wanted && token) tokens.push_back(*token);
  };
  add_special(vocabulary_.add_bos, first_token());
  bool first = true;
  for (const Fragment& fragment : (options.parse_special ? all_special_ : user_defined_).split(text)) {
    if (fragment.token >= 0) tokens.push_back(fragment.token);
    else encode_fragment(fragment.text, first, tokens);
    first = fragment.token >= 0;
  }
  add_special(vocabulary_.add_eos, last_token());
  return tokens;
}

std::string FragmentTokenizer::piece(TokenId token, bool with_special) const {
  if (token < 0 || static_cast<size_t>(token) >= n_tokens()) return {};
  const std::string& text = vocabulary_.tokens[static_cast<size_t>(token)];
  switch (type_of(token)) {
    case TokenType::kControl:
    case TokenType::kUnknown: return with_special ? text : std::string();
    case TokenType::kUserDefined: return text;
    default: return plain_piece(token);
  }
}

bool FragmentTokenizer::is_text(TokenId token) const {
  return type_of(token) != TokenType::kControl && type_of(token) != TokenType::kUnknown;
}

}  // namespace docmind::tokenizer
