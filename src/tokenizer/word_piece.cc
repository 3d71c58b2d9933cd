// WordPiece (BERT): words of normalised text, cut into the longest tokens from the left.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include "tokenizer/fragment_tokenizer.h"
#include "tokenizer/kinds.h"
#include "tokenizer/space_mark.h"
#include "tokenizer/token_trie.h"
#include "tokenizer/unicode.h"

namespace docmind::tokenizer {
namespace {

// What BERT's normalizer makes of one code point.
struct Normalised {
  enum class Role : uint8_t { kNothing, kSpace, kWord, kAlone } role = Role::kNothing;
  char32_t value = 0;
};

class WordPiece final : public FragmentTokenizer {
 public:
  WordPiece(Vocabulary vocabulary, const UNormalizer2* nfd);

 private:
  void encode_fragment(std::string_view text, bool first, std::vector<TokenId>& tokens) const override;
  [[nodiscard]] std::string plain_piece(TokenId token) const override;

  [[nodiscard]] Normalised normalise(char32_t c) const;
  [[nodiscard]] Normalised normalise_any(char32_t c) const;
  void encode_word(std::string_view word, std::vector<TokenId>& tokens) const;

  const UNormalizer2* nfd_;  // ICU's own, lives as long as the process
  TokenTrie pieces_;
  TokenTrie::Node word_start_ = TokenTrie::kNowhere;  // after U+2581, which GGUF puts before words
  std::array<Normalised, 128> ascii_;
};

// As in llama.cpp, after Hugging Face's BertPreTokenizer.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

WordPiece::WordPiece(Vocabulary vocabulary, const UNormalizer2* nfd)
  : FragmentTokenizer(std::move(vocabulary)), nfd_(nfd) {
  std::vector<std::pair<std::string_view, TokenId>> entries;
  for (size_t id = 0; id < n_tokens(); ++id) {
    if (is_text(static_cast<TokenId>(id))) entries.emplace_back(vocabulary_.tokens[id], static_cast<TokenId>(id));
  }
  pieces_ = TokenTrie(std::move(entries));
  word_start_ = pieces_.step(TokenTrie::kRoot, kSpaceMark);
  for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = normalise_any(c);
}

Normalised WordPiece::normalise(char32_t c) const { return c < ascii_.size() ? ascii_[c] : normalise_any(c); }

Normalised WordPiece::normalise_any(char32_t c) const {
  if (vocabulary_.strip_accents) {
    // Of a decomposed character the first code point stays; the others are its accents.
    UChar units[32];
    UErrorCode error = U_ZERO_ERROR;
    const int32_t n = unorm2_getDecomposition(nfd_, static_cast<UChar32>(c), units, 32, &error);
    if (U_SUCCESS(error) && n > 0) {
      UChar32 first = 0;
      U16_GET(units, 0, 0, n, first);
      c = static_cast<char32_t>(first);
    }
  }
  const auto value = static_cast<UChar32>(c);
  if (u_isUWhiteSpace(value)) return {Normalised::Role::kSpace, c};
  const uint32_t category = U_GET_GC_MASK(value);
  if (c == 0 || c == 0xFFFD || (category & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK)) != 0) {
    return {};
  }
  if (vocabulary_.strip_accents && (category & U_GC_M_MASK) != 0) return {};
  const bool ascii_symbol = c < 0x7F && (category & U_GC_S_MASK) != 0;
  const bool alone = (category & U_GC_P_MASK) != 0 || ascii_symbol || is_chinese(c);
  return {alone ? Normalised::Role::kAlone : Normalised::Role::kWord,
          vocabulary_.lowercase ? static_cast<char32_t>(u_tolower(value)) : c};
}

void WordPiece::encode_fragment(std::string_view text, bool /*first*/, std::vector<TokenId>& tokens) const {
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) encode_word(word, tokens);
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    at += c.n_bytes;
    const Normalised normal = normalise(c.value);
    if (normal.role == Normalised::Role::kNothing) continue;
    if (normal.role != Normalised::Role::kWord) end_word();
    if (normal.role == Normalised::Role::kSpace) continue;
    append_utf8(normal.value, word);
    if (normal.role == Normalised::Role::kAlone) end_word();
  }
  end_word();
}

// The longest token at each place; a word of which a part is no token is unknown as a whole.
void WordPiece::encode_word(std::string_view word, std::vector<TokenId>& tokens) const {
  const size_t n_before = tokens.size();
  TokenTrie::Node start = word_start_;
  for (size_t at = 0; at < word.size();) {
    TokenId best = TokenTrie::kNoToken;
    size_t best_end = at;
    TokenTrie::Node node = start;
    for (size_t end = at; node != TokenTrie::kNowhere; ++end) {
      // The mark alone may be a token: then the first one stands for no character.
      if (pieces_.token(node) != TokenTrie::kNoToken) {
        best = pieces_.token(node);
        best_end = end;
      }
      if (end == word.size()) break;
      node = pieces_.step(node, word[end]);
    }
    if (best == TokenTrie::kNoToken) {
      tokens.resize(n_before);
      tokens.push_back(*vocabulary_.unknown);
      return;
    }
    tokens.push_back(best);
    at = best_end;
    start = TokenTrie::kRoot;
  }
}

std::string WordPiece::plain_piece(TokenId token) const { return sentence_piece_text(vocabulary_, token); }

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_word_piece(Vocabulary vocabulary) {
  if (!vocabulary.unknown) {
    return Error{ErrorCode::kMalformed, "tokenizer: a WordPiece vocabulary needs an unknown token, which this one lacks"};
  }
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* nfd = unorm2_getNFDInstance(&error);
  if (U_FAILURE(error)) {
    return Error{ErrorCode::kInternal, std::string("ICU has no normalisation form D: ") + u_errorName(error)};
  }
  return std::unique_ptr<Tokenizer>(std::make_unique<WordPiece>(std::move(vocabulary), nfd));
}

}  // namespace docmind::tokenizer
