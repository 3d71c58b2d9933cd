// Token ids: ours and llama.cpp's, on random text and on every code point.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "engine/load_tokenizer.h"
#include "gguf/writer.h"
#include "parity/oracle.h"
#include "support/temp_folder.h"
#include "tokenizer/random_texts.h"
#include "tokenizer/trained_vocabulary.h"
#include "tokenizer/vocabulary_samples.h"

namespace docmind::test {
namespace {

namespace samples = tokenizer::test;
using samples::must;
using tokenizer::TokenId;
using tokenizer::Tokenizer;
using tokenizer::Vocabulary;
using tokenizer::VocabularyKind;

constexpr const char* kPreSplits[] = {"gpt-2", "default", "qwen2", "llama-bpe"};

// All but surrogates, and few of the planes that are empty or private.
char32_t next_code_point(char32_t c) {
  const bool sparse = c >= 0x40000 && (c < 0xE0000 || c >= 0xE1000);
  c += sparse ? 251 : 1;
  return c == 0xD800 ? 0xE000 : c;
}

class TokenizerParity : public ParityTest {
 protected:
  std::unique_ptr<Tokenizer> load(const std::string& path) {
    oracle().load(path, true);
    const auto file = must(gguf::File::open(path));
    return must(engine::load_tokenizer(file));
  }

  void compare(const Tokenizer& tokenizer, const std::string& text, bool special) {
    const auto tokens = tokenizer.encode(text, {.add_special = false, .parse_special = special});
    ASSERT_EQ(tokens, oracle().tokenize(text, special)) << text;
  }

  void compare_random(const std::string& path, int n_texts) {
    const auto tokenizer = load(path);
    samples::RandomTexts random(11);
    for (int i = 0; i < n_texts; ++i) {
      const std::string text = random.next();
      for (const bool special : {false, true}) ASSERT_NO_FATAL_FAILURE(compare(*tokenizer, text, special));
    }
  }

  // Every code point that may be assigned once, with `around` saying what stands about it.
  template <typename Around>
  void compare_all_code_points(const std::string& path, Around around) {
    const auto tokenizer = load(path);
    std::string text;
    for (char32_t c = 1; c < 0x110000; c = next_code_point(c)) {
      std::string character;
      tokenizer::append_utf8(c, character);
      text += around(character);
      if (text.size() < 4096 && next_code_point(c) < 0x110000) continue;
      ASSERT_NO_FATAL_FAILURE(compare(*tokenizer, text, false));
      text.clear();
    }
  }

  std::string write(const Vocabulary& vocabulary);
  // The same file with another pre-split.
  std::string with_pre_split(const std::string& path, std::string_view pre);

  TempFolder folder_;
};

std::string TokenizerParity::write(const Vocabulary& vocabulary) {
  const std::string path = folder_.path("vocabulary.gguf");
  auto writer = must(gguf::Writer::create(path));
  const bool bytes = vocabulary.kind == VocabularyKind::kByteBpe;
  const bool unigram = vocabulary.kind == VocabularyKind::kUnigram;
  writer.add("general.architecture", bytes ? "llama" : "bert");
  writer.add("tokenizer.ggml.model", bytes ? "gpt2" : unigram ? "t5" : "bert");
  writer.add("tokenizer.ggml.pre", bytes ? vocabulary.pre : "default");
  writer.add("tokenizer.ggml.tokens", vocabulary.tokens);
  writer.add("tokenizer.ggml.scores", vocabulary.scores);
  std::vector<int32_t> types;
  for (const tokenizer::TokenType type : vocabulary.types) types.push_back(static_cast<int32_t>(type));
  writer.add("tokenizer.ggml.token_type", types);
  const std::pair<const char*, std::optional<TokenId>> ids[] = {
      {"bos", vocabulary.bos},         {"eos", vocabulary.eos},         {"cls", vocabulary.cls},
      {"unknown", vocabulary.unknown}, {"padding", vocabulary.padding}, {"seperator", vocabulary.separator}};
  for (const auto& [name, id] : ids) {
    if (id) writer.add(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<uint32_t>(*id));
  }
  if (bytes) writer.add("tokenizer.ggml.merges", vocabulary.merges);
  if (unigram) {
    writer.add("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
    writer.add("tokenizer.ggml.remove_extra_whitespaces", vocabulary.remove_extra_whitespaces);
    writer.add("tokenizer.ggml.precompiled_charsmap", std::vector<uint8_t>(vocabulary.precompiled_charsmap.begin(),
                                                                           vocabulary.precompiled_charsmap.end()));
  }
  must(writer.finish());
  return path;
}

std::string TokenizerParity::with_pre_split(const std::string& path, std::string_view pre) {
  const auto file = must(gguf::File::open(path));
  const std::string copy = folder_.path("copy.gguf");
  auto writer = must(gguf::Writer::create(copy));
  for (const gguf::MetadataEntry& entry : file.metadata()) {
    if (entry.key != "tokenizer.ggml.pre") writer.add(entry);
  }
  writer.add("tokenizer.ggml.pre", pre);
  must(writer.finish());
  return copy;
}

class SharedVocabularyParity : public TokenizerParity, public testing::WithParamInterface<const char*> {};

TEST_P(SharedVocabularyParity, RandomTextGivesTheSameTokens) {
  const std::string path = samples::shared_vocabulary(GetParam());
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/vocab beside the checkout";
  if (std::string_view(GetParam()) != "gpt-2") return compare_random(path, 800);
  for (const char* pre : kPreSplits) {
    SCOPED_TRACE(pre);
    ASSERT_NO_FATAL_FAILURE(compare_random(with_pre_split(path, pre), 500));
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, SharedVocabularyParity, testing::Values("bert-bge", "llama-spm", "gpt-2"),
                         [](const auto& vocabulary) {
                           std::string name = vocabulary.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(TokenizerParity, TrainedUnigram) {
  if (!samples::TrainedUnigram::possible()) GTEST_SKIP() << "no spm_train: install the package sentencepiece";
  const samples::TrainedUnigram trained;
  Vocabulary vocabulary = trained.vocabulary();
  for (const bool remove_extra_whitespaces : {true, false}) {
    vocabulary.remove_extra_whitespaces = remove_extra_whitespaces;
    ASSERT_NO_FATAL_FAILURE(compare_random(write(vocabulary), 800));
  }
}

// A vocabulary in which the tokens of "xcx!c! c\n" tell c's class: 'x', '!', ' ' and '\n' merge with the
// bytes of any character, where the pre-split leaves them in one word with it.
Vocabulary class_vocabulary(const char* pre) {
  Vocabulary vocabulary = samples::byte_vocabulary(pre);
  const auto merge = [&](size_t left, size_t right) {
    samples::add_merge(vocabulary, vocabulary.tokens[left], vocabulary.tokens[right]);
  };
  for (const char before : {'x', '!', ' '}) {
    for (size_t lead = 0xC2; lead < 0xF5; ++lead) merge(static_cast<size_t>(before), lead);
  }
  for (size_t last = 0x80; last < 0xC0; ++last) {
    for (const char after : {'x', '\n'}) merge(last, static_cast<size_t>(after));
  }
  vocabulary.bos = vocabulary.eos = 0;
  return vocabulary;
}

TEST_F(TokenizerParity, EveryCodePointIsOfTheSameClass) {
  for (const char* pre : kPreSplits) {
    SCOPED_TRACE(pre);
    ASSERT_NO_FATAL_FAILURE(compare_all_code_points(
        write(class_vocabulary(pre)), [](const std::string& c) { return "x" + c + "x!" + c + "! " + c + "\nx"; }));
  }
}

TEST_F(TokenizerParity, EveryCodePointIsNormalisedTheSameByWordPiece) {
  Vocabulary vocabulary = samples::word_piece_vocabulary({});
  for (char32_t c = 1; c < 0x110000; c = next_code_point(c)) {
    if (c == 0x2581) continue;
    std::string character;
    tokenizer::append_utf8(c, character);
    samples::add(vocabulary, "▁" + character);
    samples::add(vocabulary, character);
  }
  ASSERT_NO_FATAL_FAILURE(
      compare_all_code_points(write(vocabulary), [](const std::string& c) { return "x" + c + "x "; }));
}

}  // namespace
}  // namespace docmind::test
