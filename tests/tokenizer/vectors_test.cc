// llama.cpp's own test vectors: texts and their token ids for three vocabularies.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engine/load_tokenizer.h"
#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> texts_of(const std::string& file) {
  constexpr std::string_view kBetween = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  for (size_t at = 0;;) {
    const size_t end = file.find(kBetween, at);
    if (end == std::string::npos) return texts;  // what follows the last line is no text
    texts.push_back(file.substr(at, end - at));
    at = end + kBetween.size();
  }
}

class Vectors : public testing::TestWithParam<const char*> {};

TEST_P(Vectors, AreTheSame) {
  const std::string path = shared_vocabulary(GetParam());
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/vocab beside the checkout";
  const auto file = must(gguf::File::open(path));
  const auto tokenizer = must(engine::load_tokenizer(file));
  const std::vector<std::string> texts = texts_of(read_file(path + ".inp"));
  std::istringstream lines(read_file(path + ".out"));
  std::string line;
  size_t n = 0;
  for (; std::getline(lines, line); ++n) {
    ASSERT_LT(n, texts.size());
    std::istringstream numbers(line);
    const std::vector<TokenId> expected{std::istream_iterator<TokenId>(numbers), {}};
    const std::vector<TokenId> tokens = plain(*tokenizer, texts[n]);
    EXPECT_EQ(tokens, expected) << texts[n];
    if (tokenizer->vocabulary().kind == VocabularyKind::kWordPiece) continue;  // folds case and spaces
    EXPECT_EQ(tokenizer->decode(tokens), texts[n]);
  }
  EXPECT_EQ(n, texts.size());
  EXPECT_GE(n, 40u);
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, Vectors, testing::Values("bert-bge", "llama-spm", "gpt-2"), [](const auto& vocabulary) {
  std::string name = vocabulary.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace docmind::tokenizer::test
