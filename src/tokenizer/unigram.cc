// SentencePiece unigram (T5, XLM-RoBERTa): normalised text, cut into the tokens of the highest total score.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "tokenizer/charsmap.h"
#include "tokenizer/fragment_tokenizer.h"
#include "tokenizer/kinds.h"
#include "tokenizer/space_mark.h"
#include "tokenizer/token_trie.h"
#include "tokenizer/unicode.h"

namespace docmind::tokenizer {
namespace {

constexpr size_t kMaxUnigramWordBytes = size_t{1} << 30;  // places are 32 bits wide
constexpr float kUnknownPenalty = 10;                     // below the lowest score, as SentencePiece has it

class Unigram final : public FragmentTokenizer {
 public:
  Unigram(Vocabulary vocabulary, Charsmap charsmap);

 private:
  // The best way to the end of a word's prefix. Sums of float scores stay exact in double for texts
  // of any length, so that equal sums are equal.
  struct Best {
    double score = -std::numeric_limits<double>::infinity();
    uint32_t from = 0;
    TokenId token = -1;
  };

  void encode_fragment(std::string_view text, bool first, std::vector<TokenId>& tokens) const override;
  [[nodiscard]] std::string plain_piece(TokenId token) const override;

  [[nodiscard]] bool is_piece(size_t id) const;
  [[nodiscard]] std::string normalise(std::string_view text) const;
  void find_best(std::string_view word, std::vector<Best>& best) const;
  void encode_word(std::string_view word, std::vector<Best>& best, std::vector<TokenId>& tokens) const;

  Charsmap charsmap_;
  TokenTable piece_ids_;
  TokenTrie pieces_;
  std::vector<float> scores_;
  double unknown_score_ = 0;
  SpaceMarkSplitter splitter_;
  mutable WholeTokens whole_;
};

bool Unigram::is_piece(size_t id) const {
  const auto token = static_cast<TokenId>(id);
  return is_text(token) && type_of(token) != TokenType::kByte && !vocabulary_.tokens[id].empty();
}

Unigram::Unigram(Vocabulary vocabulary, Charsmap charsmap)
  : FragmentTokenizer(std::move(vocabulary)),
    charsmap_(std::move(charsmap)),
    piece_ids_(vocabulary_.tokens, [&](size_t id) { return is_piece(id); }),
    scores_(vocabulary_.scores),
    whole_(n_tokens()) {
  scores_.resize(n_tokens());
  std::vector<std::pair<std::string_view, TokenId>> entries;
  float lowest = std::numeric_limits<float>::max();
  for (size_t id = 0; id < n_tokens(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (type_of(token) == TokenType::kNormal) lowest = std::min(lowest, scores_[id]);
    if (type_of(token) == TokenType::kUserDefined) scores_[id] = 0;  // preferred to all others
    if (!is_piece(id)) continue;
    entries.emplace_back(vocabulary_.tokens[id], token);
    splitter_.add_token(vocabulary_.tokens[id]);
  }
  unknown_score_ = lowest - kUnknownPenalty;
  pieces_ = TokenTrie(std::move(entries));
}

// Spaces become marks. With remove_extra_whitespaces each run of them is one mark before the next
// word and none at the end; without, each is one. A mark is put in front of the first word.
std::string Unigram::normalise(std::string_view text) const {
  std::string normal;
  normal.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
  const bool merge = vocabulary_.remove_extra_whitespaces;
  bool prefix = vocabulary_.add_space_prefix;
  bool in_word = false;
  while (!text.empty()) {
    const Charsmap::Piece piece = charsmap_.normalise_front(text);
    text.remove_prefix(piece.n_bytes);
    for (const char c : piece.text) {
      if (c == ' ') {
        in_word = false;
        if (!merge) normal += kSpaceMark;
        continue;
      }
      if (!in_word && (prefix || merge)) {
        normal += kSpaceMark;
        prefix = false;
      }
      in_word = true;
      normal += c;
    }
  }
  return normal;
}

void Unigram::encode_fragment(std::string_view text, bool /*first*/, std::vector<TokenId>& tokens) const {
  const std::string normal = normalise(text);
  std::vector<Best> best;
  const size_t start = tokens.size();
  splitter_.for_each_word(normal, kMaxUnigramWordBytes, [&](std::string_view word) {
    const size_t n_before = tokens.size();
    const int32_t id = piece_ids_.find(vocabulary_.tokens, word);
    if (id < 0) encode_word(word, best, tokens);
    else whole_.encode(id, tokens, [&] { encode_word(word, best, tokens); });
    // Neighbouring unknown characters are one unknown token, also across words.
    if (n_before > start && tokens.size() > n_before && tokens[n_before] == *vocabulary_.unknown &&
        tokens[n_before - 1] == *vocabulary_.unknown) {
      tokens.erase(tokens.begin() + static_cast<ptrdiff_t>(n_before));
    }
  });
}

// Viterbi: best[i] is the best way to write word[0, i).
void Unigram::find_best(std::string_view word, std::vector<Best>& best) const {
  best.assign(word.size() + 1, Best{});
  best[0].score = 0;
  for (size_t at = 0; at < word.size();) {
    const size_t next = at + code_point_at(word, at).n_bytes;
    const double score = best[at].score;
    const auto offer = [&](size_t end, double total, TokenId token) {
      if (total > best[end].score) best[end] = {total, static_cast<uint32_t>(at), token};
    };
    bool whole_character = false;
    TokenTrie::Node node = pieces_.step(TokenTrie::kRoot, word[at]);
    for (size_t end = at + 1; node != TokenTrie::kNowhere; ++end) {
      if (const TokenId token = pieces_.token(node); token != TokenTrie::kNoToken) {
        whole_character = whole_character || end == next;
        offer(end, score + scores_[static_cast<size_t>(token)], token);
      }
      if (end == word.size()) break;
      node = pieces_.step(node, word[end]);
    }
    if (!whole_character) offer(next, score + unknown_score_, *vocabulary_.unknown);
    at = next;
  }
}

void Unigram::encode_word(std::string_view word, std::vector<Best>& best, std::vector<TokenId>& tokens) const {
  find_best(word, best);
  const size_t start = tokens.size();
  TokenId later = -1;
  for (size_t at = word.size(); at > 0; at = best[at].from) {
    const TokenId token = best[at].token;
    if (token != later || token != *vocabulary_.unknown) tokens.push_back(token);
    later = token;
  }
  std::reverse(tokens.begin() + static_cast<ptrdiff_t>(start), tokens.end());
}

std::string Unigram::plain_piece(TokenId token) const { return sentence_piece_text(vocabulary_, token); }

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_unigram(Vocabulary vocabulary) {
  if (!vocabulary.unknown) {
    return Error{ErrorCode::kMalformed, "tokenizer: a unigram vocabulary needs an unknown token, which this one lacks"};
  }
  DM_ASSIGN(Charsmap charsmap, Charsmap::parse(vocabulary.precompiled_charsmap));
  vocabulary.precompiled_charsmap = {};  // it is held by the charsmap
  return std::unique_ptr<Tokenizer>(std::make_unique<Unigram>(std::move(vocabulary), std::move(charsmap)));
}

}  // namespace docmind::tokenizer
