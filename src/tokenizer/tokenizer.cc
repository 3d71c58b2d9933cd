// Tokenizer: checks of a vocabulary, and what all kinds share.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "tokenizer/kinds.h"

namespace docmind::tokenizer {
namespace {

// No honest vocabulary comes near; beyond, tries and tables would need memory out of proportion.
constexpr size_t kMaxTokens = size_t{1} << 24;
constexpr size_t kMaxTokenBytes = size_t{1} << 13;

// Texts that end a turn in the chat formats of today's models.
constexpr std::string_view kEndMarks[] = {"<|im_end|>", "<|eot_id|>",    "<|eom_id|>", "<end_of_turn>",
                                          "<|end|>",    "<|endoftext|>", "<EOT>",      "<|end_of_text|>"};
// Marks of the chat formats that begin a turn.
constexpr std::string_view kTurnMarks[] = {"<|im_start|>",    "<|start_header_id|>", "<|end_header_id|>",
                                           "<start_of_turn>", "[INST]",              "[/INST]"};

bool is_one_of(std::string_view text, std::span<const std::string_view> texts) {
  return std::ranges::find(texts, text) != texts.end();
}

Error malformed(std::string sentence) { return Error{ErrorCode::kMalformed, "tokenizer: " + std::move(sentence)}; }

Status check_sizes(const Vocabulary& vocabulary) {
  const size_t n = vocabulary.tokens.size();
  if (n == 0) return malformed("the vocabulary has no tokens");
  if (n > kMaxTokens) {
    return Error{ErrorCode::kLimit, fmt::format("tokenizer: {} tokens are more than the {} allowed", n, kMaxTokens)};
  }
  if (!vocabulary.scores.empty() && vocabulary.scores.size() != n) {
    return malformed(fmt::format("{} scores for {} tokens", vocabulary.scores.size(), n));
  }
  if (!vocabulary.types.empty() && vocabulary.types.size() != n) {
    return malformed(fmt::format("{} token types for {} tokens", vocabulary.types.size(), n));
  }
  return {};
}

Status check_tokens(const Vocabulary& vocabulary) {
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.tokens[id].size() > kMaxTokenBytes) {
      return malformed(fmt::format("token {} has {} bytes, more than the {} allowed", id,
                                   vocabulary.tokens[id].size(), kMaxTokenBytes));
    }
    if (!vocabulary.scores.empty() && !std::isfinite(vocabulary.scores[id])) {
      return malformed(fmt::format("the score of token {} ('{}') is {}, which is no finite number", id,
                                   printable(vocabulary.tokens[id]), vocabulary.scores[id]));
    }
    if (!vocabulary.types.empty() && vocabulary.types[id] > TokenType::kByte) {
      return malformed(fmt::format("the type of token {} ('{}') is {}; known are 0 to 6", id,
                                   printable(vocabulary.tokens[id]), static_cast<int>(vocabulary.types[id])));
    }
  }
  return {};
}

Status check_special_ids(const Vocabulary& vocabulary) {
  const std::pair<const char*, std::optional<TokenId>> ids[] = {
    {"bos", vocabulary.bos},         {"eos", vocabulary.eos},
    {"eot", vocabulary.eot},         {"eom", vocabulary.eom},
    {"unknown", vocabulary.unknown}, {"separator", vocabulary.separator},
    {"cls", vocabulary.cls},         {"mask", vocabulary.mask},
    {"padding", vocabulary.padding},
  };
  for (const auto& [name, id] : ids) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= vocabulary.tokens.size())) {
      return malformed(fmt::format("the {} token has the id {}, but there are {} tokens", name, *id,
                                   vocabulary.tokens.size()));
    }
  }
  return {};
}

// Converters of some models wrote these as normal tokens; plain text must not begin or end a turn.
void mark_control_tokens(Vocabulary& vocabulary) {
  vocabulary.types.resize(vocabulary.tokens.size(), TokenType::kNormal);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (is_one_of(vocabulary.tokens[id], kEndMarks) || is_one_of(vocabulary.tokens[id], kTurnMarks)) {
      vocabulary.types[id] = TokenType::kControl;
    }
  }
}

}  // namespace

Tokenizer::Tokenizer(Vocabulary vocabulary)
  : vocabulary_(std::move(vocabulary)), ids_(vocabulary_.tokens, [](size_t) { return true; }) {}

Result<std::unique_ptr<Tokenizer>> Tokenizer::create(Vocabulary vocabulary) {
  DM_TRY(check_sizes(vocabulary));
  DM_TRY(check_tokens(vocabulary));
  DM_TRY(check_special_ids(vocabulary));
  mark_control_tokens(vocabulary);
  switch (vocabulary.kind) {
    case VocabularyKind::kByteBpe: return make_byte_bpe(std::move(vocabulary));
    case VocabularyKind::kSentencePieceBpe: return make_sentence_piece_bpe(std::move(vocabulary));
    case VocabularyKind::kUnigram: return make_unigram(std::move(vocabulary));
    case VocabularyKind::kWordPiece: return make_word_piece(std::move(vocabulary));
  }
  return Error{ErrorCode::kInternal, "tokenizer: a kind of vocabulary without a tokenizer"};
}

TokenType Tokenizer::type_of(TokenId token) const { return vocabulary_.types[static_cast<size_t>(token)]; }

std::optional<TokenId> Tokenizer::first_token() const {
  return vocabulary_.kind == VocabularyKind::kWordPiece && vocabulary_.cls ? vocabulary_.cls : vocabulary_.bos;
}

std::optional<TokenId> Tokenizer::last_token() const {
  const bool word_piece = vocabulary_.kind == VocabularyKind::kWordPiece;
  return word_piece && vocabulary_.separator ? vocabulary_.separator : vocabulary_.eos;
}

std::string Tokenizer::decode(std::span<const TokenId> tokens, bool with_special) const {
  std::string text;
  for (const TokenId token : tokens) text += piece(token, with_special);
  const bool adds_space = vocabulary_.kind == VocabularyKind::kWordPiece ||
                          (vocabulary_.kind != VocabularyKind::kByteBpe && vocabulary_.add_space_prefix);
  if (adds_space && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::vector<TokenId> Tokenizer::encode_pair(std::string_view query, std::string_view document, size_t max_tokens,
                                            size_t* n_cut) const {
  const std::optional<TokenId> first = first_token();
  const std::optional<TokenId> last = last_token();
  const EncodeOptions plain{.add_special = false, .parse_special = false};
  std::vector<TokenId> head = encode(query, plain);
  std::vector<TokenId> body = encode(document, plain);
  const size_t n_separators = !last ? 0 : vocabulary_.kind == VocabularyKind::kWordPiece ? 1 : 2;
  const size_t n_marks = (first ? 1 : 0) + n_separators + (last ? 1 : 0);
  const size_t n_all = head.size() + body.size();
  const size_t room = max_tokens > n_marks ? max_tokens - n_marks : 0;
  head.resize(std::min({head.size(), max_tokens / 2, room}));
  body.resize(std::min(body.size(), room - head.size()));
  if (n_cut != nullptr) *n_cut = n_all - head.size() - body.size();

  std::vector<TokenId> tokens;
  tokens.reserve(n_marks + head.size() + body.size());
  if (first) tokens.push_back(*first);
  tokens.insert(tokens.end(), head.begin(), head.end());
  for (size_t i = 0; i < n_separators; ++i) tokens.push_back(*last);
  tokens.insert(tokens.end(), body.begin(), body.end());
  if (last) tokens.push_back(*last);
  tokens.resize(std::min(tokens.size(), max_tokens));
  return tokens;
}

std::optional<TokenId> Tokenizer::find(std::string_view text) const {
  const int32_t id = ids_.find(vocabulary_.tokens, text);
  return id < 0 ? std::nullopt : std::optional<TokenId>(id);
}

bool Tokenizer::ends_generation(TokenId token) const {
  if (token < 0 || static_cast<size_t>(token) >= n_tokens()) return false;
  if (token == vocabulary_.eos || token == vocabulary_.eot || token == vocabulary_.eom) return true;
  return is_one_of(vocabulary_.tokens[static_cast<size_t>(token)], kEndMarks);
}

}  // namespace docmind::tokenizer
