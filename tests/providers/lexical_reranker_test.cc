// LexicalReranker: headings that name the subject, closeness of the question's words, cancellation.
// SPDX-License-Identifier: Apache-2.0
#include "providers/lexical_reranker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace docmind::providers {
namespace {

std::vector<double> rerank(std::string_view question, const std::vector<Passage>& passages) {
  const LexicalReranker reranker([](std::string_view) { return 3.0; });
  const auto scores = reranker.rerank(question, passages, CancelToken());
  EXPECT_TRUE(scores.ok());
  return scores.ok() ? *scores : std::vector<double>(passages.size());
}

Passage passage(std::string_view text, std::string_view title = "", std::string_view heading = "") {
  return {.text = text, .title = title, .heading = heading, .relevance = 0};
}

TEST(LexicalReranker, TheSectionThatIsNamedWins) {
  const auto scores = rerank(
      "What is the TOAST technique?",
      {passage("TOAST is the technique for large values.", "Storage", "Storage > Free space"),
       passage("TOAST\n\nIt is the technique for large values, TOAST.", "Storage", "Storage > TOAST")});
  EXPECT_GT(scores[1], scores[0]);
}

TEST(LexicalReranker, OnlyThePassageThatOpensASectionGainsByItsHeading) {
  const auto scores =
      rerank("vacuum", {passage("Vacuum\n\nThe vacuum runs.", "Upkeep", "Upkeep > Vacuum"),
                        passage("Later, the vacuum runs.", "Upkeep", "Upkeep > Vacuum")});
  EXPECT_GT(scores[0], scores[1]);
}

TEST(LexicalReranker, AShorterHeadingNamesBetter) {
  const auto scores = rerank(
      "partial index",
      {passage("Partial index\n\nx", "Manual", "Manual > Partial index"),
       passage("Locks, backups, a partial index and roles\n\nx", "Manual",
               "Manual > Locks, backups, a partial index and roles")});
  EXPECT_GT(scores[0], scores[1]);
}

TEST(LexicalReranker, AnAbbreviationInBracketsIsAName) {
  const auto scores = rerank("What is the WAL?", {passage("The WAL.", "Write-Ahead Logging (WAL)"),
                                                  passage("The WAL.", "Logging and other matters")});
  EXPECT_GT(scores[0], scores[1]);
}

TEST(LexicalReranker, SectionNumbersDoNotDilute) {
  const auto scores = rerank("vacuum", {passage("x", "25.1.4. Vacuum"), passage("x", "Vacuum")});
  EXPECT_DOUBLE_EQ(scores[0], scores[1]);
}

TEST(LexicalReranker, WordsSideBySideBeatWordsFarApart) {
  const std::string filler = [] {
    std::string words;
    for (int i = 0; i < 60; ++i) words += " filler";
    return words;
  }();
  const std::string apart = "The cache" + filler + " has a limit.";
  const auto scores = rerank("limit of the cache", {passage("The cache has a limit." + filler.substr(1)),
                                                    passage(apart)});
  EXPECT_GT(scores[0], scores[1]);
  EXPECT_GT(scores[1], 0);
}

TEST(LexicalReranker, NothingInCommonIsZeroAndSoIsNoQuestion) {
  EXPECT_EQ(rerank("giraffe", {passage("The cache.", "Caches", "Caches > Limits")})[0], 0);
  EXPECT_EQ(rerank("", {passage("The cache.", "Caches")})[0], 0);
  EXPECT_EQ(rerank("cache", {passage("")})[0], 0);
  EXPECT_TRUE(rerank("cache", {}).empty());
}

TEST(LexicalReranker, StopsWhenCancelled) {
  CancelToken cancel;
  cancel.cancel();
  const LexicalReranker reranker([](std::string_view) { return 3.0; });
  const std::vector<Passage> passages = {passage("The cache.")};
  const auto scores = reranker.rerank("cache", passages, cancel);
  ASSERT_FALSE(scores.ok());
  EXPECT_EQ(scores.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace docmind::providers
