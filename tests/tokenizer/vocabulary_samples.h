// Small vocabularies of each kind, written out so that expected tokens can be counted by hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace docmind::tokenizer::test {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

inline void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}

inline std::unique_ptr<Tokenizer> make(Vocabulary vocabulary) { return must(Tokenizer::create(std::move(vocabulary))); }

// The message of a refusal; fails the test by throwing where the vocabulary is taken.
inline Error refusal_of(Vocabulary vocabulary) {
  auto result = Tokenizer::create(std::move(vocabulary));
  if (result.ok()) throw std::runtime_error("the vocabulary was accepted");
  return result.error();
}

inline TokenId add(Vocabulary& vocabulary, std::string text, TokenType type = TokenType::kNormal, float score = 0) {
  vocabulary.types.resize(vocabulary.tokens.size(), TokenType::kNormal);
  vocabulary.scores.resize(vocabulary.tokens.size());
  vocabulary.tokens.push_back(std::move(text));
  vocabulary.types.push_back(type);
  vocabulary.scores.push_back(score);
  return static_cast<TokenId>(vocabulary.tokens.size() - 1);
}

// The characters that stand for all bytes, in the order of the bytes: token i is byte i.
inline Vocabulary byte_vocabulary(std::string pre = "gpt-2") {
  Vocabulary vocabulary;
  vocabulary.kind = VocabularyKind::kByteBpe;
  vocabulary.pre = std::move(pre);
  char32_t next = 256;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    std::string text;
    append_utf8(printable ? byte : next++, text);
    add(vocabulary, text);
  }
  return vocabulary;
}

// Adds the merge and the token that it makes.
inline TokenId add_merge(Vocabulary& vocabulary, const std::string& left, const std::string& right) {
  vocabulary.merges.push_back(left + " " + right);
  return add(vocabulary, left + right);
}

// <unk> 0, <s> 1, </s> 2, bytes 3 to 258, then the pieces with falling scores.
inline Vocabulary sentence_piece_vocabulary(std::initializer_list<std::string_view> pieces) {
  Vocabulary vocabulary;
  vocabulary.kind = VocabularyKind::kSentencePieceBpe;
  vocabulary.unknown = add(vocabulary, "<unk>", TokenType::kUnknown);
  vocabulary.bos = add(vocabulary, "<s>", TokenType::kControl);
  vocabulary.eos = add(vocabulary, "</s>", TokenType::kControl);
  for (int byte = 0; byte < 256; ++byte) add(vocabulary, fmt::format("<0x{:02X}>", byte), TokenType::kByte);
  float score = 0;
  for (const std::string_view piece : pieces) add(vocabulary, std::string(piece), TokenType::kNormal, score -= 1);
  vocabulary.add_bos = true;
  return vocabulary;
}

// As XLM-RoBERTa's: <s> 0, <pad> 1, </s> 2, <unk> 3, then the pieces with their scores.
inline Vocabulary unigram_vocabulary(std::initializer_list<std::pair<std::string_view, float>> pieces) {
  Vocabulary vocabulary;
  vocabulary.kind = VocabularyKind::kUnigram;
  vocabulary.bos = add(vocabulary, "<s>", TokenType::kControl);
  vocabulary.padding = add(vocabulary, "<pad>", TokenType::kControl);
  vocabulary.eos = add(vocabulary, "</s>", TokenType::kControl);
  vocabulary.unknown = add(vocabulary, "<unk>", TokenType::kUnknown);
  for (const auto& [piece, score] : pieces) add(vocabulary, std::string(piece), TokenType::kNormal, score);
  vocabulary.add_bos = vocabulary.add_eos = true;
  vocabulary.remove_extra_whitespaces = true;
  return vocabulary;
}

// [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, then the pieces.
inline Vocabulary word_piece_vocabulary(std::initializer_list<std::string_view> pieces) {
  Vocabulary vocabulary;
  vocabulary.kind = VocabularyKind::kWordPiece;
  vocabulary.padding = add(vocabulary, "[PAD]", TokenType::kControl);
  vocabulary.unknown = add(vocabulary, "[UNK]", TokenType::kUnknown);
  vocabulary.cls = vocabulary.bos = add(vocabulary, "[CLS]", TokenType::kControl);
  vocabulary.separator = add(vocabulary, "[SEP]", TokenType::kControl);
  for (const std::string_view piece : pieces) add(vocabulary, std::string(piece));
  vocabulary.add_bos = vocabulary.add_eos = true;
  return vocabulary;
}

inline std::vector<TokenId> plain(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_special = false, .parse_special = false});
}

// The texts of the tokens, with a bar between: easier to read than ids.
inline std::string pieces_of(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options) {
  std::string joined;
  for (const TokenId token : tokenizer.encode(text, options)) {
    joined += (joined.empty() ? "" : "|") + tokenizer.vocabulary().tokens[static_cast<size_t>(token)];
  }
  return joined;
}
inline std::string pieces_of(const Tokenizer& tokenizer, std::string_view text) {
  return pieces_of(tokenizer, text, {.add_special = false, .parse_special = false});
}

// The vocabulary of llama.cpp's own tests, where the checkout has it; else empty.
inline std::string shared_vocabulary(std::string_view name) {
  const std::string path = fmt::format("{}/../shared/data/vocab/ggml-vocab-{}.gguf", DOCMIND_SOURCE_DIR, name);
  return std::filesystem::exists(path) ? path : std::string();
}

}  // namespace docmind::tokenizer::test
