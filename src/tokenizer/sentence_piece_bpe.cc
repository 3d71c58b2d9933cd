// SentencePiece BPE (Llama 2, Mistral): characters, merged pair by pair in the order of tokens' scores.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "tokenizer/fragment_tokenizer.h"
#include "tokenizer/kinds.h"
#include "tokenizer/pair_merge.h"
#include "tokenizer/space_mark.h"
#include "tokenizer/unicode.h"

namespace docmind::tokenizer {
namespace {

class SentencePieceBpe final : public FragmentTokenizer {
 public:
  explicit SentencePieceBpe(Vocabulary vocabulary);

 private:
  struct Scratch {
    PairMerger merger;
    std::vector<Symbol> symbols;
  };

  void encode_fragment(std::string_view text, bool first, std::vector<TokenId>& tokens) const override;
  [[nodiscard]] std::string plain_piece(TokenId token) const override;

  void encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const;
  void merge_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const;
  [[nodiscard]] bool is_piece(size_t id) const;
  [[nodiscard]] int32_t find_piece(std::string_view text) const {
    return text.size() > max_piece_bytes_ ? TokenTable::kNone : piece_ids_.find(vocabulary_.tokens, text);
  }

  TokenTable piece_ids_;  // of tokens that text can become
  size_t max_piece_bytes_ = 0;
  std::vector<uint32_t> ranks_;  // 0 for the best score; equal scores have equal ranks
  std::array<int32_t, 256> byte_tokens_{};
  SpaceMarkSplitter splitter_;
  mutable WholeTokens whole_;
};

std::vector<uint32_t> ranks_of(const Vocabulary& vocabulary) {
  std::vector<uint32_t> ranks(vocabulary.tokens.size(), 0);
  if (vocabulary.scores.empty()) return ranks;
  std::vector<float> scores = vocabulary.scores;
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  for (size_t id = 0; id < ranks.size(); ++id) {
    const auto place = std::lower_bound(scores.begin(), scores.end(), vocabulary.scores[id], std::greater<>());
    ranks[id] = static_cast<uint32_t>(place - scores.begin());
  }
  return ranks;
}

SentencePieceBpe::SentencePieceBpe(Vocabulary vocabulary)
  : FragmentTokenizer(std::move(vocabulary)),
    piece_ids_(vocabulary_.tokens, [&](size_t id) { return is_piece(id); }),
    ranks_(ranks_of(vocabulary_)),
    whole_(n_tokens()) {
  for (size_t id = 0; id < n_tokens(); ++id) {
    if (!is_piece(id)) continue;
    splitter_.add_token(vocabulary_.tokens[id]);
    max_piece_bytes_ = std::max(max_piece_bytes_, vocabulary_.tokens[id].size());
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::optional<TokenId> token = find(fmt::format("<0x{:02X}>", byte));
    const std::string text(1, static_cast<char>(byte));
    byte_tokens_[static_cast<size_t>(byte)] = token && is_text(*token) ? *token : find_piece(text);
  }
}

// Byte tokens ("<0x41>") stand for bytes, never for their own spelling.
bool SentencePieceBpe::is_piece(size_t id) const {
  const auto token = static_cast<TokenId>(id);
  return is_text(token) && type_of(token) != TokenType::kByte && !vocabulary_.tokens[id].empty();
}

void SentencePieceBpe::encode_fragment(std::string_view text, bool first, std::vector<TokenId>& tokens) const {
  std::string marked;
  marked.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
  if (first && vocabulary_.add_space_prefix) marked += kSpaceMark;
  append_with_marks(text, marked);
  Scratch scratch;
  splitter_.for_each_word(marked, PairMerger::kMaxWordBytes,
                          [&](std::string_view word) { encode_word(word, scratch, tokens); });
}

void SentencePieceBpe::encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const {
  const int32_t id = find_piece(word);
  if (id < 0) merge_word(word, scratch, tokens);
  else whole_.encode(id, tokens, [&] { merge_word(word, scratch, tokens); });
}

void SentencePieceBpe::merge_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const {
  scratch.symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const size_t end = at + code_point_at(word, at).n_bytes;
    scratch.symbols.push_back(
      {static_cast<uint32_t>(at), static_cast<uint32_t>(end), find_piece(word.substr(at, end - at))});
    at = end;
  }
  scratch.merger.merge(scratch.symbols, [&](const Symbol& left, const Symbol& right) {
    const int32_t id = find_piece(word.substr(left.begin, right.end - left.begin));
    return id < 0 ? Merge{} : Merge{ranks_[static_cast<size_t>(id)], id};
  });
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) {
      tokens.push_back(symbol.id);
      continue;
    }
    for (uint32_t i = symbol.begin; i < symbol.end; ++i) {
      const int32_t byte = byte_tokens_[static_cast<uint8_t>(word[i])];
      if (byte >= 0) tokens.push_back(byte);
      else append_unknown(tokens);
    }
  }
}

std::string SentencePieceBpe::plain_piece(TokenId token) const {
  return sentence_piece_text(vocabulary_, token);
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_sentence_piece_bpe(Vocabulary vocabulary) {
  return std::unique_ptr<Tokenizer>(std::make_unique<SentencePieceBpe>(std::move(vocabulary)));
}

}  // namespace docmind::tokenizer
