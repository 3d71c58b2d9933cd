// Tokenizer: text to token ids and back, as the model's training had it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/token_table.h"

namespace docmind::tokenizer {

using TokenId = int32_t;

enum class VocabularyKind { kByteBpe, kSentencePieceBpe, kUnigram, kWordPiece };
// Values of GGUF's tokenizer.ggml.token_type.
enum class TokenType : uint8_t { kUndefined, kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

// Everything that a tokenizer is made from; the names follow GGUF's tokenizer.ggml.* keys.
struct Vocabulary {
  VocabularyKind kind = VocabularyKind::kByteBpe;
  std::string pre;                   // pre-split of byte BPE: "gpt-2", "default", "qwen2", "llama-bpe"
  std::vector<std::string> tokens;
  std::vector<float> scores;         // empty or one a token
  std::vector<TokenType> types;      // empty or one a token
  std::vector<std::string> merges;   // "left right", best first
  std::string precompiled_charsmap;  // unigram; see Charsmap
  std::optional<TokenId> bos, eos, eot, eom, unknown, separator, padding, cls, mask;
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = true;
  bool remove_extra_whitespaces = false;
  bool lowercase = true;      // WordPiece
  bool strip_accents = true;  // WordPiece
};

struct EncodeOptions {
  bool add_special = true;     // BOS/CLS before and EOS/SEP after, where the model wants them
  bool parse_special = false;  // text of control tokens becomes those tokens; never for document text
};

// Immutable and safe to use from several threads.
class Tokenizer {
 public:
  // kUnsupported names a pre-split that we do not know; kMalformed what contradicts itself. Chat
  // formats' marks of a turn ("<|im_end|>") become control tokens whatever their type says.
  static Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);
  virtual ~Tokenizer() = default;

  // Text that is not UTF-8 is kept byte by byte where the vocabulary can, else it is unknown.
  [[nodiscard]] virtual std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const = 0;
  // The bytes that a token stands for; they need not be whole UTF-8. Control tokens give their text
  // when `with_special`, else nothing. An id out of range gives nothing.
  [[nodiscard]] virtual std::string piece(TokenId token, bool with_special) const = 0;
  // A whole text, without the space that some tokenizers put in front.
  [[nodiscard]] std::string decode(std::span<const TokenId> tokens, bool with_special = false) const;
  // A cross-encoder's input: <s> query </s></s> document </s> (XLM-R, unigram) or
  // [CLS] query [SEP] document [SEP] (BERT, WordPiece); the document is cut so that the whole has
  // at most `max_tokens`, the query to half of it at most. `n_cut` gets the tokens left out.
  [[nodiscard]] std::vector<TokenId> encode_pair(std::string_view query, std::string_view document,
                                                 size_t max_tokens, size_t* n_cut = nullptr) const;

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }
  [[nodiscard]] size_t n_tokens() const { return vocabulary_.tokens.size(); }
  // The id of a token by its exact text ("<|im_end|>").
  [[nodiscard]] std::optional<TokenId> find(std::string_view text) const;
  // EOS, EOT, EOM and the chat families' own end marks.
  [[nodiscard]] bool ends_generation(TokenId token) const;

 protected:
  explicit Tokenizer(Vocabulary vocabulary);
  [[nodiscard]] TokenType type_of(TokenId token) const;
  // What stands before and after a text: BOS and EOS, for WordPiece CLS and SEP.
  [[nodiscard]] std::optional<TokenId> first_token() const;
  [[nodiscard]] std::optional<TokenId> last_token() const;

  Vocabulary vocabulary_;
  TokenTable ids_;  // of all tokens' texts
};

}  // namespace docmind::tokenizer
