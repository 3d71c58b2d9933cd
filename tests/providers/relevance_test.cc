// Relevance: weights, near matches and what does not answer a question.
// SPDX-License-Identifier: Apache-2.0
#include "providers/relevance.h"

#include <gtest/gtest.h>

#include "base/config.h"

#include <map>
#include <string>

namespace docmind::providers {
namespace {

// Common words of a database manual; everything else has never been seen.
double manual_idf(std::string_view stem) {
  static const std::map<std::string, double, std::less<>> kKnown = {
      {"index", 1.5},  {"tabl", 1.0},   {"creat", 1.2},  {"capit", 5.5},
      {"vacuum", 3.0}, {"backup", 3.5}, {"server", 1.0}, {"partial", 4.0}};
  const auto known = kKnown.find(stem);
  return known == kKnown.end() ? 8.6 : known->second;
}

const double kMinRelevance = Config().ask.min_relevance;

class RelevanceTest : public testing::Test {
 protected:
  double coverage(std::string_view question, std::string_view text, std::string_view heading = "",
                  std::string_view title = "") {
    return Relevance(question, manual_idf).coverage(analyzer_, {text, heading, title});
  }
  WordAnalyzer analyzer_;
};

TEST_F(RelevanceTest, FullAndNoCoverage) {
  EXPECT_DOUBLE_EQ(coverage("How do I create a partial index?",
                            "To create partial indexes, write a WHERE clause."),
                   1.0);
  EXPECT_DOUBLE_EQ(coverage("How do I create a partial index?", "Nothing of the kind."), 0.0);
  EXPECT_DOUBLE_EQ(coverage("partial index", ""), 0.0);
}

TEST_F(RelevanceTest, TitleAndHeadingCount) {
  EXPECT_DOUBLE_EQ(coverage("partial index", "They cover a subset.", "Partial ones", "Indexes"),
                   1.0);
}

TEST_F(RelevanceTest, AnUnknownWordKeepsTheQuestionUncovered) {
  const double half = coverage("what is the capital of Mongolia", "In capital letters.");
  EXPECT_GT(half, 0.2);
  EXPECT_LT(half, kMinRelevance);
  // Even when both words are equally rare, one of two is not enough.
  EXPECT_LT(coverage("Eiffel Mongolia", "Eiffel"), kMinRelevance);
}

TEST_F(RelevanceTest, RareWordsWeighMore) {
  const Relevance relevance("create a partial table", manual_idf);
  ASSERT_EQ(relevance.terms().size(), 3U);
  double sum = 0;
  for (const auto& term : relevance.terms()) sum += term.weight;
  EXPECT_NEAR(sum, 1.0, 1e-12);
  EXPECT_GT(relevance.terms()[1].weight, relevance.terms()[0].weight);
  EXPECT_GT(coverage("create a partial table", "partial"),
            coverage("create a partial table", "table create"));
}

TEST_F(RelevanceTest, PartsOfCompoundsAndSlipsGetHalf) {
  EXPECT_DOUBLE_EQ(coverage("autovacuum", "Run vacuum often."), 0.5);
  EXPECT_DOUBLE_EQ(coverage("vacuum", "The autovacuum daemon."), 0.5);
  EXPECT_DOUBLE_EQ(coverage("partail", "A partial index."), 0.5);  // swapped
  EXPECT_DOUBLE_EQ(coverage("replicaton", "Replication slots."), 0.5);
  EXPECT_DOUBLE_EQ(coverage("port", "The post."), 0.0);         // too short to be a slip
  EXPECT_DOUBLE_EQ(coverage("version 123456", "123457"), 0.0);  // numbers are exact
}

TEST_F(RelevanceTest, AskingWordsCountLittle) {
  EXPECT_GT(coverage("explain the purpose of backups", "A backup."), 0.5);
}

TEST_F(RelevanceTest, OnlyStopWordsAreUsedWhenThereIsNothingElse) {
  EXPECT_DOUBLE_EQ(coverage("what is it", "it is what it is"), 1.0);
  EXPECT_TRUE(Relevance("", manual_idf).terms().empty());
  EXPECT_DOUBLE_EQ(coverage("", "text"), 0.0);
  EXPECT_DOUBLE_EQ(coverage("?!", "text"), 0.0);
}

TEST_F(RelevanceTest, LongQuestionsAreBounded) {
  std::string question;
  for (int i = 0; i < 5'000; ++i) question += "word" + std::to_string(i) + " ";
  EXPECT_EQ(Relevance(question, manual_idf).terms().size(), Relevance::kMaxTerms);
}

}  // namespace
}  // namespace docmind::providers
