// Unigram: the best sum of scores, white space, unknown characters.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "tokenizer/vocabulary_samples.h"

namespace docmind::tokenizer::test {
namespace {

TEST(Unigram, FindsTheBestSumNotTheLongestToken) {
  const auto tokenizer = make(unigram_vocabulary({{"▁a", -1}, {"bc", -1}, {"▁ab", -1.5f}, {"c", -4}, {"▁", -9}}));
  EXPECT_EQ(pieces_of(*tokenizer, "abc"), "▁a|bc");
}

TEST(Unigram, OfEqualSumsTheLastTokenIsTheLongest) {
  const auto tokenizer = make(unigram_vocabulary({{"▁", -1}, {"I", -1}, {"II", -2}}));
  EXPECT_EQ(pieces_of(*tokenizer, "III"), "▁|I|II");
}

TEST(Unigram, RunsOfSpacesAreOneAndNoneIsAtTheEnds) {
  Vocabulary vocabulary = unigram_vocabulary({{"▁a", -1}, {"▁", -2}, {"a", -2}});
  EXPECT_EQ(pieces_of(*make(vocabulary), "  a   a "), "▁a|▁a");
  EXPECT_EQ(pieces_of(*make(vocabulary), "   "), "");
  vocabulary.remove_extra_whitespaces = false;
  EXPECT_EQ(pieces_of(*make(vocabulary), "a  a "), "▁a|▁|▁a|▁");
  vocabulary.add_space_prefix = false;
  EXPECT_EQ(pieces_of(*make(vocabulary), "a a"), "a|▁a");
}

TEST(Unigram, NeighbouringUnknownCharactersAreOneToken) {
  const auto tokenizer = make(unigram_vocabulary({{"▁", -1}, {"a", -1}}));
  EXPECT_EQ(pieces_of(*tokenizer, "éü a日"), "▁|<unk>|▁|a|<unk>");
}

TEST(Unigram, UnknownCharactersOfTwoWordsAreOneTokenWhereTheSpaceIsUnknownToo) {
  const auto tokenizer = make(unigram_vocabulary({{"a", -1}}));
  EXPECT_EQ(pieces_of(*tokenizer, "b b"), "<unk>");
  EXPECT_EQ(pieces_of(*tokenizer, "b a"), "<unk>|a");
}

TEST(Unigram, AnUnknownCharacterCostsTenMoreThanTheWorstToken) {
  // "▁" and an unknown character: -1 - (5 + 10) = -16; the token for both: just better, or just worse.
  EXPECT_EQ(pieces_of(*make(unigram_vocabulary({{"▁", -1}, {"▁é", -5}})), "é"), "▁é");
  Vocabulary vocabulary = unigram_vocabulary({{"▁", -1}, {"x", -5}});
  vocabulary.types.push_back(TokenType::kUnused);  // an unused token does not count for the worst score
  vocabulary.tokens.push_back("▁é");
  vocabulary.scores.push_back(-16.5f);
  EXPECT_EQ(pieces_of(*make(vocabulary), "é"), "▁|<unk>");
  vocabulary.scores.back() = -15.5f;
  EXPECT_EQ(pieces_of(*make(vocabulary), "é"), "▁é");
}

TEST(Unigram, AddsBothEnds) {
  const auto tokenizer = make(unigram_vocabulary({{"▁a", -1}}));
  EXPECT_EQ(pieces_of(*tokenizer, "a", {.add_special = true}), "<s>|▁a|</s>");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a a", {})), "a a");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a", {}), true), "<s> a</s>");
}

TEST(Unigram, TextNeverBecomesAControlToken) {
  const auto tokenizer = make(unigram_vocabulary({{"▁", -1}, {"<", -1}, {"/", -1}, {"s", -1}, {">", -1}}));
  EXPECT_EQ(pieces_of(*tokenizer, "</s>"), "▁|<|/|s|>");
  EXPECT_EQ(pieces_of(*tokenizer, "</s>", {.add_special = false, .parse_special = true}), "</s>");
}

TEST(Unigram, NeedsAnUnknownToken) {
  Vocabulary vocabulary = unigram_vocabulary({{"a", -1}});
  vocabulary.unknown.reset();
  EXPECT_EQ(refusal_of(vocabulary).code, ErrorCode::kMalformed);
}

// All ways to cut a word into tokens; 1 character is unknown at the given cost where no token is just it.
double best_sum(std::string_view word, const std::map<std::string, double, std::less<>>& scores, double unknown) {
  if (word.empty()) return 0;
  double best = -1e300;
  for (size_t n = 1; n <= word.size(); ++n) {
    const auto token = scores.find(word.substr(0, n));
    if (token != scores.end()) best = std::max(best, token->second + best_sum(word.substr(n), scores, unknown));
    else if (n == 1) best = std::max(best, unknown + best_sum(word.substr(1), scores, unknown));
  }
  return best;
}

TEST(Unigram, NoOtherWayToCutHasABetterSum) {
  rc::check([] {
    Vocabulary vocabulary = unigram_vocabulary({{"▁", 0}});
    std::map<std::string, double, std::less<>> scores;
    double lowest = 0;
    for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
      const auto text = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c')));
      const double score = -0.25 * *rc::gen::inRange(1, 40);
      if (text.size() > 4 || !scores.emplace(text, score).second) continue;
      add(vocabulary, text, TokenType::kNormal, static_cast<float>(score));
      lowest = std::min(lowest, score);
    }
    const auto n = static_cast<size_t>(*rc::gen::inRange(1, 12));
    const auto word = *rc::gen::container<std::string>(n, rc::gen::element('a', 'b', 'c', 'd'));
    vocabulary.add_space_prefix = false;
    vocabulary.remove_extra_whitespaces = false;
    const auto tokenizer = make(vocabulary);
    double sum = 0;
    size_t n_bytes = 0;
    for (const TokenId token : plain(*tokenizer, word)) {
      if (token == vocabulary.unknown) continue;
      sum += vocabulary.scores[static_cast<size_t>(token)];
      n_bytes += vocabulary.tokens[static_cast<size_t>(token)].size();
    }
    sum += (lowest - 10) * static_cast<double>(word.size() - n_bytes);  // unknown runs are one token
    RC_ASSERT(sum == best_sum(word, scores, lowest - 10));
  });
}

}  // namespace
}  // namespace docmind::tokenizer::test
