// load_tokenizer: keys of the file to a Vocabulary.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load_tokenizer.h"

#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "tokenizer/pre_split.h"

namespace docmind::engine {
namespace {

using tokenizer::TokenId;
using tokenizer::Vocabulary;
using tokenizer::VocabularyKind;

constexpr std::string_view kPrefix = "tokenizer.ggml.";

std::string key_of(std::string_view name) { return std::string(kPrefix) + std::string(name); }

// What llama.cpp assumes where the file says nothing; ids that the vocabulary lacks do not count.
Result<Vocabulary> defaults_of(std::string_view model, std::string_view pre) {
  Vocabulary vocabulary;
  if (model == "gpt2") {
    DM_ASSIGN(const tokenizer::PreSplit split, tokenizer::find_pre_split(pre));
    vocabulary.kind = VocabularyKind::kByteBpe;
    vocabulary.pre = pre;
    vocabulary.add_space_prefix = false;
    vocabulary.add_bos = split.add_bos;
    vocabulary.bos = vocabulary.eos = 11;
  } else if (model == "llama") {
    vocabulary.kind = VocabularyKind::kSentencePieceBpe;
    vocabulary.add_bos = true;
    vocabulary.bos = 1, vocabulary.eos = 2, vocabulary.unknown = 0;
  } else if (model == "t5") {
    vocabulary.kind = VocabularyKind::kUnigram;
    vocabulary.add_space_prefix = false;
    vocabulary.add_eos = true;
    vocabulary.eos = 1, vocabulary.unknown = 2, vocabulary.padding = 0;
  } else if (model == "bert") {
    vocabulary.kind = VocabularyKind::kWordPiece;
    vocabulary.add_space_prefix = false;
    vocabulary.add_bos = vocabulary.add_eos = true;
    vocabulary.bos = 101, vocabulary.separator = 102, vocabulary.unknown = 100;
    vocabulary.padding = 0, vocabulary.mask = 103;
  } else {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the tokenizer is of the kind '{}', which is not supported; known are gpt2 (byte-level "
                             "BPE), llama (SentencePiece BPE), t5 (unigram) and bert (WordPiece)",
                             printable(model))};
  }
  return vocabulary;
}

// The elements of an array, as `elements` of ArrayView gives them; its errors name the key as well.
template <typename T>
Result<std::vector<T>> read_array(const gguf::File& file, std::string_view name,
                                  Result<std::vector<T>> (gguf::ArrayView::*elements)() const) {
  DM_ASSIGN(const gguf::ArrayView array, file.array(key_of(name)));
  auto values = (array.*elements)();
  if (!values.ok()) return std::move(values).error().with_context(key_of(name));
  return values;
}

bool has(const gguf::File& file, std::string_view name) { return file.find(key_of(name)) != nullptr; }

Status read_tokens(const gguf::File& file, Vocabulary& vocabulary) {
  DM_ASSIGN(const auto texts, read_array(file, "tokens", &gguf::ArrayView::strings));
  vocabulary.tokens.assign(texts.begin(), texts.end());
  if (has(file, "scores")) {
    DM_ASSIGN(vocabulary.scores, read_array(file, "scores", &gguf::ArrayView::floats));
  }
  if (has(file, "token_type")) {
    DM_ASSIGN(const auto numbers, read_array(file, "token_type", &gguf::ArrayView::integers));
    for (const int32_t number : numbers) {
      // A number that is no type becomes one that create() refuses.
      vocabulary.types.push_back(static_cast<tokenizer::TokenType>(number < 0 || number > 255 ? 255 : number));
    }
  }
  return {};
}

Status read_rules(const gguf::File& file, Vocabulary& vocabulary) {
  if (vocabulary.kind == VocabularyKind::kByteBpe) {
    DM_ASSIGN(const auto texts, read_array(file, "merges", &gguf::ArrayView::strings));
    vocabulary.merges.assign(texts.begin(), texts.end());
  }
  if (vocabulary.kind == VocabularyKind::kUnigram && has(file, "precompiled_charsmap")) {
    DM_ASSIGN(const gguf::ArrayView map, file.array(key_of("precompiled_charsmap")));
    if (map.element != gguf::ValueType::kU8 && map.element != gguf::ValueType::kI8) {
      return Error{ErrorCode::kMalformed, fmt::format("{} is no array of bytes", key_of("precompiled_charsmap"))};
    }
    vocabulary.precompiled_charsmap.assign(reinterpret_cast<const char*>(map.bytes.data()), map.bytes.size());
  }
  DM_ASSIGN(vocabulary.add_space_prefix, file.boolean_or(key_of("add_space_prefix"), vocabulary.add_space_prefix));
  DM_ASSIGN(vocabulary.remove_extra_whitespaces, file.boolean_or(key_of("remove_extra_whitespaces"), false));
  DM_ASSIGN(vocabulary.lowercase, file.boolean_or(key_of("normalizer.lowercase"), true));
  DM_ASSIGN(vocabulary.strip_accents, file.boolean_or(key_of("normalizer.strip_accents"), vocabulary.lowercase));
  if (vocabulary.kind != VocabularyKind::kWordPiece) {  // BERT always has both
    DM_ASSIGN(vocabulary.add_bos, file.boolean_or(key_of("add_bos_token"), vocabulary.add_bos));
    DM_ASSIGN(vocabulary.add_eos, file.boolean_or(key_of("add_eos_token"), vocabulary.add_eos));
  }
  return {};
}

Status read_special_ids(const gguf::File& file, Vocabulary& vocabulary) {
  const std::pair<const char*, std::optional<TokenId>*> ids[] = {
    {"bos_token_id", &vocabulary.bos},         {"eos_token_id", &vocabulary.eos},
    {"eot_token_id", &vocabulary.eot},         {"eom_token_id", &vocabulary.eom},
    {"unknown_token_id", &vocabulary.unknown}, {"seperator_token_id", &vocabulary.separator},  // (sic)
    {"padding_token_id", &vocabulary.padding}, {"cls_token_id", &vocabulary.cls},
    {"mask_token_id", &vocabulary.mask},
  };
  for (const auto& [name, id] : ids) {
    if (*id && static_cast<size_t>(**id) >= vocabulary.tokens.size()) id->reset();
    DM_ASSIGN(const int64_t value, file.integer_or(key_of(name), id->value_or(-1)));
    if (value == -1 || value == std::numeric_limits<uint32_t>::max()) {  // some converters' "none"
      id->reset();
    } else if (value < 0 || static_cast<size_t>(value) >= vocabulary.tokens.size()) {
      return Error{ErrorCode::kMalformed,
                   fmt::format("{} is {}, but there are {} tokens", key_of(name), value, vocabulary.tokens.size())};
    } else {
      *id = static_cast<TokenId>(value);
    }
  }
  return {};
}

Result<std::unique_ptr<tokenizer::Tokenizer>> read_tokenizer(const gguf::File& file) {
  DM_ASSIGN(const std::string_view model, file.text(key_of("model")));
  DM_ASSIGN(const std::string_view pre, file.text_or(key_of("pre"), ""));
  DM_ASSIGN(Vocabulary vocabulary, defaults_of(model, pre));
  DM_TRY(read_tokens(file, vocabulary));
  DM_TRY(read_rules(file, vocabulary));
  DM_TRY(read_special_ids(file, vocabulary));
  return tokenizer::Tokenizer::create(std::move(vocabulary));
}

}  // namespace

Result<std::unique_ptr<tokenizer::Tokenizer>> load_tokenizer(const gguf::File& file) {
  auto tokenizer = read_tokenizer(file);
  if (tokenizer.ok()) return tokenizer;
  const std::string path = "'" + printable(file.path()) + "'";
  // The file's own messages name it already.
  if (tokenizer.error().message.find(path) != std::string::npos) return tokenizer;
  return std::move(tokenizer).error().with_context(path);
}

Result<std::string> load_chat_template(const gguf::File& file) {
  DM_ASSIGN(const std::string_view text, file.text("tokenizer.chat_template"));
  return std::string(text);
}

}  // namespace docmind::engine
