// LexicalSearcher: order, weights of terms and fields, phrases, words that are no words.
// SPDX-License-Identifier: Apache-2.0
#include "index/lexical_search.h"

#include <gtest/gtest.h>

#include "index/bm25_function.h"
#include "index/store_samples.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;

class LexicalSearchTest : public testing::Test {
 protected:
  // One document a text; the path is its name.
  void add(const std::string& name, const std::string& text, const std::string& title = "",
           const std::string& heading = "") {
    WriteBatch batch = must(writer.begin());
    must(batch.put_document(test::sample_document("/" + name), title,
                            test::sample_chunks({text}, heading)));
    must(batch.commit());
  }
  std::string found(const std::vector<LexicalTerm>& terms, const LexicalOptions& options = {},
                    size_t k = 100) const {
    const LexicalSearcher searcher = must(LexicalSearcher::create(writer.reader()));
    std::vector<int64_t> ids;
    for (const ScoredChunk& hit : must(searcher.search(terms, options, k))) ids.push_back(hit.chunk_id);
    std::string names;
    for (const StoredChunk& chunk : must(writer.reader().chunks(ids))) {
      names += (names.empty() ? "" : " ") + chunk.path.substr(1);
    }
    return names;
  }
  double score_of(const std::vector<LexicalTerm>& terms, const LexicalOptions& options = {}) const {
    const LexicalSearcher searcher = must(LexicalSearcher::create(writer.reader()));
    const auto hits = must(searcher.search(terms, options, 1));
    return hits.empty() ? 0 : hits[0].score;
  }

  test::TempFolder folder;
  StoreWriter writer = must(StoreWriter::open(folder.path("store"), {}));
};

TEST_F(LexicalSearchTest, FindsStemsAndRanksRareWordsFirst) {
  add("common", "the index holds pages and pages");
  add("rare", "the checkpointer writes pages");
  add("none", "something else");
  EXPECT_EQ(found({{"checkpointers", 1}, {"page", 1}}), "rare common");
  EXPECT_EQ(found({{"PAGES", 1}}), "common rare");
  EXPECT_EQ(found({{"absent", 1}}), "");
}

TEST_F(LexicalSearchTest, TiesComeByIdAndOnlyKAreGiven) {
  for (const char* name : {"a", "b", "c", "d"}) add(name, "same words");
  EXPECT_EQ(found({{"same", 1}}), "a b c d");
  EXPECT_EQ(found({{"same", 1}}, {}, 2), "a b");
  EXPECT_EQ(found({{"same", 1}}, {}, 0), "");
}

TEST_F(LexicalSearchTest, TheWeightOfATermScalesItsShare) {
  add("left", "alpha filler words");
  add("right", "beta filler words");
  add("other", "nothing of both");
  EXPECT_EQ(found({{"alpha", 2}, {"beta", 1}}), "left right");
  EXPECT_EQ(found({{"alpha", 1}, {"beta", 2}}), "right left");
  EXPECT_NEAR(score_of({{"alpha", 3}}), 3 * score_of({{"alpha", 1}}), 1e-9);
  EXPECT_NEAR(score_of({{"alpha", 1}, {"alpha", 0.5}}), 1.5 * score_of({{"alpha", 1}}), 1e-9);
}

TEST_F(LexicalSearchTest, FieldsCountByTheirWeights) {
  add("titled", "plain text here", "vacuum");
  add("headed", "plain text here", "", "vacuum");
  add("texted", "vacuum text here");
  add("other", "plain text here");
  const LexicalOptions title{.title_weight = 5, .heading_weight = 1, .text_weight = 1};
  const LexicalOptions heading{.title_weight = 1, .heading_weight = 5, .text_weight = 1};
  const LexicalOptions text{.title_weight = 1, .heading_weight = 1, .text_weight = 5};
  EXPECT_TRUE(found({{"vacuum", 1}}, title).starts_with("titled"));
  EXPECT_TRUE(found({{"vacuum", 1}}, heading).starts_with("headed"));
  EXPECT_TRUE(found({{"vacuum", 1}}, text).starts_with("texted"));
}

TEST_F(LexicalSearchTest, SeveralWordsInOneTermAreAPhrase) {
  add("apart", "write some log and then write ahead of the log");
  add("together", "the write ahead log");
  EXPECT_EQ(found({{"write ahead log", 1}}), "together");
  EXPECT_EQ(found({{"write-ahead log", 1}}), "together");
  EXPECT_EQ(found({{"ahead write", 1}}), "");
}

TEST_F(LexicalSearchTest, NoCharacterIsQuerySyntax) {
  add("a", "near and or not words star");
  EXPECT_EQ(found({{"words\" OR \"x", 1}}), "");
  EXPECT_EQ(found({{"NOT", 1}}), "a");
  EXPECT_EQ(found({{"AND", 1}}), "a");
  EXPECT_EQ(found({{"sta*", 1}}), "");
  EXPECT_EQ(found({{"text:words", 1}}), "");
  // NUL separates, in a term as in a text.
  EXPECT_EQ(found({{std::string("wor\0ds", 6), 1}}), "");
  EXPECT_EQ(found({{std::string("words\0star", 10), 1}}), "a");
  EXPECT_EQ(found({{"(", 1}, {"^words", 1}, {"\"\"", 1}}), "a");
}

// A term that the tokenizer reduces to nothing must not shift the weights of those after it.
TEST_F(LexicalSearchTest, WordsWithoutATokenArePassedOver) {
  add("left", "alpha filler");
  add("right", "beta filler");
  EXPECT_EQ(found({{"!!!", 9}, {"alpha", 1}, {"...", 9}, {"beta", 2}}), "right left");
  EXPECT_EQ(found({{"?", 1}}), "");
  EXPECT_EQ(found({{"", 1}}), "");
  EXPECT_EQ(found({}), "");
}

TEST_F(LexicalSearchTest, CountsTheChunksOfAStem) {
  add("a", "indexes and indexing");
  add("b", "one index");
  add("c", "title only", "index");
  const LexicalSearcher searcher = must(LexicalSearcher::create(writer.reader()));
  EXPECT_EQ(must(searcher.document_frequency("index")), 3);
  EXPECT_EQ(must(searcher.document_frequency("indexing")), 0);  // not a stem
  EXPECT_EQ(must(searcher.document_frequency("")), 0);
}

TEST_F(LexicalSearchTest, SeesWhatWasCommittedSince) {
  add("a", "first word");
  const LexicalSearcher searcher = must(LexicalSearcher::create(writer.reader()));
  const std::vector<LexicalTerm> terms = {{"word", 1}};
  EXPECT_EQ(must(searcher.search(terms, {}, 9)).size(), 1u);
  add("b", "second word");
  EXPECT_EQ(must(searcher.search(terms, {}, 9)).size(), 2u);
}

TEST_F(LexicalSearchTest, TheFunctionAloneIsRefusedWithoutItsWeights) {
  add("a", "word");
  must(register_bm25(writer.reader().db()));
  must(register_bm25(writer.reader().db()));  // twice is harmless
  const Status refused = writer.reader().db().exec(
      "SELECT docmind_bm25(chunk_fts) FROM chunk_fts WHERE chunk_fts MATCH 'word'");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("needs the query's weights"), std::string::npos);
  EXPECT_FALSE(writer.reader().db().exec(
      "SELECT docmind_bm25(chunk_fts, 17) FROM chunk_fts WHERE chunk_fts MATCH 'word'").ok());
}

}  // namespace
}  // namespace docmind::index
