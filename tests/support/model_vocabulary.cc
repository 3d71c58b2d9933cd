// The tokenizer sections of random models.
// SPDX-License-Identifier: Apache-2.0
#include "support/model_vocabulary.h"

#include <string>
#include <vector>

#include <fmt/format.h>

namespace docmind::test {
namespace {

constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;

struct Tokens {
  std::vector<std::string> texts;
  std::vector<int32_t> types;
  std::vector<float> scores;

  uint32_t add(std::string text, int32_t type = kNormal, float score = 0) {
    texts.push_back(std::move(text));
    types.push_back(type);
    scores.push_back(score);
    return static_cast<uint32_t>(texts.size() - 1);
  }
  // Names that no text contains, up to the wanted size.
  void fill(int64_t n_vocab, int64_t n_reserved = 0) {
    while (static_cast<int64_t>(texts.size()) + n_reserved < n_vocab)
      add(fmt::format("\x7f{}", texts.size()), kNormal, -100);
  }
};

std::string utf8(uint32_t code_point) {  // below U+0800
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xc0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3f))};
}

// The printable characters that stand for the 256 bytes in GPT-2's vocabulary, in the order of the bytes.
std::vector<std::string> byte_characters() {
  std::vector<std::string> characters;
  uint32_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    characters.push_back(utf8(printable ? byte : next++));
  }
  return characters;
}

const std::vector<std::string>& common_pairs() {
  static const std::vector<std::string> pairs = {"th", "he", "in", "er", "an", "re", "on", "at", "en", "nd",
                                                 "ti", "es", "or", "te", "of", "ed", "is", "it", "al", "ar"};
  return pairs;
}

void add_special_ids(gguf::Writer& writer, std::initializer_list<std::pair<const char*, uint32_t>> ids) {
  for (const auto& [name, id] : ids) writer.add(fmt::format("tokenizer.ggml.{}_token_id", name), id);
}

void add_tokens(gguf::Writer& writer, std::string_view model, std::string_view pre, const Tokens& tokens) {
  writer.add("tokenizer.ggml.model", model);
  writer.add("tokenizer.ggml.pre", pre);
  writer.add("tokenizer.ggml.tokens", tokens.texts);
  writer.add("tokenizer.ggml.token_type", tokens.types);
}

void add_byte_bpe(gguf::Writer& writer, const ModelSpec& spec) {
  Tokens tokens;
  for (std::string& character : byte_characters()) tokens.add(std::move(character));
  std::vector<std::string> merges;
  for (const std::string& pair : common_pairs()) {
    merges.push_back(fmt::format("{} {}", pair[0], pair[1]));
    tokens.add(pair);
  }
  const std::string space = utf8(288);  // stands for ' '
  for (const char* start : {"t", "a", "w", "th"}) {
    merges.push_back(space + " " + start);
    tokens.add(space + start);
  }
  merges.push_back(space + "th e");
  tokens.add(space + "the");
  tokens.fill(spec.n_vocab, 3);
  const uint32_t end = tokens.add("<|endoftext|>", kControl);
  tokens.add("<|im_start|>", kControl);
  const uint32_t stop = tokens.add("<|im_end|>", kControl);
  add_tokens(writer, "gpt2", spec.architecture == Architecture::kLlama ? "llama-bpe" : "qwen2", tokens);
  writer.add("tokenizer.ggml.merges", merges);
  add_special_ids(writer, {{"bos", end}, {"eos", stop}, {"padding", end}});
  writer.add("tokenizer.ggml.add_bos_token", false);
}

void add_sentence_piece(gguf::Writer& writer, const ModelSpec& spec) {
  Tokens tokens;
  const uint32_t unknown = tokens.add("<unk>", kUnknown);
  const uint32_t begin = tokens.add("<s>", kControl);
  const uint32_t end = tokens.add("</s>", kControl);
  for (int byte = 0; byte < 256; ++byte) tokens.add(fmt::format("<0x{:02X}>", byte), kByte);
  const std::string space = "\u2581";
  float score = 0;
  for (const std::string& pair : common_pairs()) tokens.add(pair, kNormal, --score);
  for (const char* start : {"t", "a", "w", "th", "the"}) tokens.add(space + start, kNormal, --score);
  tokens.add(space, kNormal, --score);
  for (char letter = 'a'; letter <= 'z'; ++letter) tokens.add(std::string(1, letter), kNormal, --score);
  tokens.fill(spec.n_vocab);
  add_tokens(writer, "llama", "default", tokens);
  writer.add("tokenizer.ggml.scores", tokens.scores);
  add_special_ids(writer, {{"bos", begin}, {"eos", end}, {"unknown", unknown}});
  writer.add("tokenizer.ggml.add_bos_token", true);
}

void add_word_piece(gguf::Writer& writer, const ModelSpec& spec) {
  Tokens tokens;
  const uint32_t padding = tokens.add("[PAD]", kControl);
  const uint32_t unknown = tokens.add("[UNK]", kControl);
  const uint32_t cls = tokens.add("[CLS]", kControl);
  const uint32_t separator = tokens.add("[SEP]", kControl);
  const uint32_t mask = tokens.add("[MASK]", kControl);
  const std::string space = "\u2581";  // GGUF marks the start of a word where BERT marks its rest with ##
  for (const char* word : {"the", "of", "and", "pump", "weighs"}) tokens.add(space + word);
  for (char c = '!'; c <= '~'; ++c) {
    if (c >= 'A' && c <= 'Z') continue;  // BERT's text is lower case
    tokens.add(std::string(1, c));
    tokens.add(space + c);
  }
  for (const std::string& pair : common_pairs()) tokens.add(pair);
  tokens.fill(spec.n_vocab);
  add_tokens(writer, "bert", "default", tokens);
  add_special_ids(writer, {{"bos", cls}, {"eos", separator}, {"unknown", unknown}, {"seperator", separator},
                           {"padding", padding}, {"cls", cls}, {"mask", mask}});
}

void add_unigram(gguf::Writer& writer, const ModelSpec& spec) {
  Tokens tokens;
  const uint32_t begin = tokens.add("<s>", kControl);
  const uint32_t padding = tokens.add("<pad>", kControl);
  const uint32_t end = tokens.add("</s>", kControl);
  const uint32_t unknown = tokens.add("<unk>", kUnknown);
  const std::string space = "\u2581";
  for (const char* word : {"the", "a", "of", "and", "pump", "weighs"}) tokens.add(space + word, kNormal, -4);
  tokens.add(space, kNormal, -3);
  for (const std::string& pair : common_pairs()) tokens.add(pair, kNormal, -6);
  for (char c = '!'; c <= '~'; ++c)
    tokens.add(std::string(1, c), kNormal, -5 - 0.01f * static_cast<float>(c));
  tokens.fill(spec.n_vocab, 1);
  const uint32_t mask = tokens.add("<mask>", kControl);
  add_tokens(writer, "t5", "default", tokens);
  writer.add("tokenizer.ggml.scores", tokens.scores);
  add_special_ids(writer, {{"bos", begin}, {"eos", end}, {"unknown", unknown}, {"seperator", end},
                           {"padding", padding}, {"cls", begin}, {"mask", mask}});
  writer.add("tokenizer.ggml.add_bos_token", true);
  writer.add("tokenizer.ggml.add_eos_token", true);
  writer.add("tokenizer.ggml.add_space_prefix", true);
}

}  // namespace

void add_vocabulary(gguf::Writer& writer, const ModelSpec& spec) {
  const bool bert = spec.architecture == Architecture::kBert;
  if (bert) writer.add<uint32_t>("tokenizer.ggml.token_type_count", 2);
  switch (spec.tokenizer) {
    case ModelTokenizer::kArchitecture:
      return bert ? add_word_piece(writer, spec) : add_byte_bpe(writer, spec);
    case ModelTokenizer::kByteBpe: return add_byte_bpe(writer, spec);
    case ModelTokenizer::kSentencePiece: return add_sentence_piece(writer, spec);
    case ModelTokenizer::kWordPiece: return add_word_piece(writer, spec);
    case ModelTokenizer::kUnigram: return add_unigram(writer, spec);
  }
}

}  // namespace docmind::test
