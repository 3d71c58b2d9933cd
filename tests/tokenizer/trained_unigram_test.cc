// Unigram against SentencePiece itself, with a vocabulary that it trained on this project's documents.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "tokenizer/random_texts.h"
#include "tokenizer/trained_vocabulary.h"
#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

std::vector<std::string> lines_to_compare() {
  std::vector<std::string> lines;
  std::istringstream documents(training_text());
  for (std::string line; std::getline(documents, line);) lines.push_back(line);
  RandomTexts random(7);
  for (int i = 0; i < 2000; ++i) lines.push_back(random.next());
  for (std::string& line : lines) std::replace(line.begin(), line.end(), '\n', ' ');
  std::erase_if(lines, [](const std::string& line) {  // SentencePiece parses marks in plain text
    return line.find("<s>") != std::string::npos || line.find("</s>") != std::string::npos ||
           line.find("<unk>") != std::string::npos;
  });
  return lines;
}

double total_score(const Vocabulary& vocabulary, const std::vector<TokenId>& tokens) {
  double sum = 0;
  for (const TokenId token : tokens) sum += vocabulary.scores[static_cast<size_t>(token)];
  return sum;
}

TEST(TrainedUnigram, GivesWhatSentencePieceGives) {
  if (!TrainedUnigram::possible()) GTEST_SKIP() << "no spm_train: install the package sentencepiece";
  const TrainedUnigram trained;
  const Vocabulary& vocabulary = trained.vocabulary();
  ASSERT_GT(vocabulary.tokens.size(), 500u);
  ASSERT_GT(vocabulary.precompiled_charsmap.size(), 100'000u);
  const auto tokenizer = make(vocabulary);
  const std::vector<std::string> lines = lines_to_compare();
  std::string file;
  for (const std::string& line : lines) file += line + "\n";
  const auto expected = trained.encode_lines(file);
  ASSERT_EQ(expected.size(), lines.size());
  size_t n_same = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<TokenId> tokens = plain(*tokenizer, lines[i]);
    n_same += tokens == expected[i] ? 1 : 0;
    // SentencePiece adds in float, and its rounding decides between ways of exactly equal sums.
    EXPECT_EQ(total_score(vocabulary, tokens), total_score(vocabulary, expected[i])) << lines[i];
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 3), std::count(expected[i].begin(), expected[i].end(), 3));
  }
  EXPECT_GT(n_same, lines.size() * 95 / 100);
}

}  // namespace
}  // namespace docmind::tokenizer::test
