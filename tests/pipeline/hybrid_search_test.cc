// HybridSearch: the question as terms, one list or two, ranks that explain, the same every time.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/hybrid_search.h"

#include <gtest/gtest.h>

#include <set>

#include "pipeline/lexical_terms.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

std::string terms_of(std::string_view question, double pair_weight = 0.2) {
  const LexicalQuery query = make_lexical_query(question, pair_weight);
  std::string text = std::to_string(query.n_words) + ":";
  for (const index::LexicalTerm& term : query.terms) {
    text += " '" + term.word + "'";
    if (term.weight != 1.0) text += "*";
  }
  return text;
}

TEST(LexicalQuery, HoldsContentWordsOnceThenNeighboursAsPairs) {
  EXPECT_EQ(terms_of("How does the planner choose an index?"),
            "3: 'planner' 'choose' 'index' 'planner choose'* 'choose an index'*");
  EXPECT_EQ(terms_of("index indexes indexing"), "1: 'index'");
  EXPECT_EQ(terms_of("index", 0.2), "1: 'index'");
  EXPECT_EQ(terms_of("partial index", 0), "2: 'partial' 'index'");
  EXPECT_EQ(terms_of("heap-only tuple"), "2: 'heap' 'tuple' 'heap-only tuple'*");
}

TEST(LexicalQuery, StopWordsCountWhenThereIsNothingElse) {
  EXPECT_TRUE(terms_of("to be or not to be").starts_with("4: 'to' 'be' 'or' 'not'"));
  EXPECT_EQ(terms_of(""), "0:");
  EXPECT_EQ(terms_of("?! ..."), "0:");
}

class HybridSearchTest : public AskerTest {
 protected:
  void SetUp() override {
    for (int i = 0; i < 60; ++i) {
      const std::string n = std::to_string(i);
      write("f" + n + ".md", "# Part " + n + "\n\nThe motor m" + n + " of pump p" + std::to_string(i / 10) +
                                 " turns a shaft of steel.\n");
    }
    write("car.md", "# Cars\n\nAn automobile has an engine and four wheels.\n");
    index();
    store.emplace(reader());
    lexical.emplace(must(index::LexicalSearcher::create(*store)));
    terms = must(StoredTerms::open(*store, *must(read_lexical_state(*store))));
    embedder.emplace(*terms);
    vectors = index::make_exact_index(must(store->load_vectors()));
  }
  std::vector<HybridHit> search(std::string_view question, size_t limit = 20,
                                const HybridOptions& options = {}) {
    const HybridParts parts{.store = &*store, .lexical = &*lexical, .vectors = vectors.get(),
                            .embedder = &*embedder};
    monitor::Trace trace(*metrics);
    return must(hybrid_search(parts, question, options, limit, trace, {})).hits;
  }
  static bool same(const std::vector<HybridHit>& a, const std::vector<HybridHit>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const HybridHit& x, const HybridHit& y) {
      return x.chunk_id == y.chunk_id && x.score == y.score && x.lexical_rank == y.lexical_rank &&
             x.vector_rank == y.vector_rank;
    });
  }

  std::optional<index::StoreReader> store;
  std::optional<index::LexicalSearcher> lexical;
  std::unique_ptr<StoredTerms> terms;
  std::optional<providers::LexicalEmbedder> embedder;
  std::unique_ptr<index::VectorIndex> vectors;
};

constexpr std::string_view kLong = "which motor of pump p3 turns the steel shaft m31 of part 31";

TEST_F(HybridSearchTest, GivesTheSameEveryTimeBestFirstWithoutRepeats) {
  const std::vector<HybridHit> hits = search(kLong);
  ASSERT_EQ(hits.size(), 20u);
  EXPECT_TRUE(same(hits, search(kLong)));
  std::set<int64_t> ids;
  for (size_t i = 0; i < hits.size(); ++i) {
    EXPECT_TRUE(ids.insert(hits[i].chunk_id).second);
    EXPECT_TRUE(hits[i].lexical_rank > 0 || hits[i].vector_rank > 0);
    if (i == 0) continue;
    const bool in_order = hits[i - 1].score > hits[i].score ||
                          (hits[i - 1].score == hits[i].score && hits[i - 1].chunk_id < hits[i].chunk_id);
    EXPECT_TRUE(in_order) << i;
  }
  const auto best = must(store->chunks(std::vector<int64_t>{hits[0].chunk_id})).at(0);
  // Of pump 3: which of its motors comes first hangs on how the vectors of near twins fell out.
  EXPECT_TRUE(best.path.starts_with(doc("f3"))) << best.path;
}

TEST_F(HybridSearchTest, TheLimitCutsTheList) {
  EXPECT_TRUE(search(kLong, 0).empty());
  const std::vector<HybridHit> all = search(kLong, 20);
  const std::vector<HybridHit> five = search(kLong, 5);
  ASSERT_EQ(five.size(), 5u);
  EXPECT_TRUE(same(five, {all.begin(), all.begin() + 5}));
}

TEST_F(HybridSearchTest, WithoutVectorsItIsTheLexicalListAlone) {
  vectors.reset();
  const LexicalQuery query = make_lexical_query(kLong, HybridOptions().pair_weight);
  const auto expected = must(lexical->search(query.terms, {}, 20));
  const std::vector<HybridHit> hits = search(kLong, 20);
  ASSERT_EQ(hits.size(), expected.size());
  for (size_t i = 0; i < hits.size(); ++i) {
    EXPECT_EQ(hits[i].chunk_id, expected[i].chunk_id);
    EXPECT_EQ(hits[i].lexical_rank, i + 1);
    EXPECT_EQ(hits[i].vector_rank, 0u);
  }
}

TEST_F(HybridSearchTest, TheScoreIsTheFusionOfTheRanksShown) {
  HybridOptions options;
  options.full_length = 1;  // every list in full for any question
  for (const HybridHit& hit : search(kLong, 20, options)) {
    double expected = 0;
    if (hit.lexical_rank > 0) expected += 1 / (options.fusion_k + static_cast<double>(hit.lexical_rank));
    if (hit.vector_rank > 0) expected += 1 / (options.fusion_k + static_cast<double>(hit.vector_rank));
    EXPECT_NEAR(hit.score, expected, 1e-9) << hit.lexical_rank << " " << hit.vector_rank;
  }
}

TEST_F(HybridSearchTest, AShortQuestionTrustsItsWordsMore) {
  const std::vector<HybridHit> hits = search("automobile", 5);
  ASSERT_FALSE(hits.empty());
  EXPECT_EQ(must(store->chunks(std::vector<int64_t>{hits[0].chunk_id})).at(0).path, doc("car.md"));
  EXPECT_EQ(hits[0].lexical_rank, 1u);
}

TEST_F(HybridSearchTest, WordsThatNobodyUsesFindNothing) {
  EXPECT_TRUE(search("xyzzy plugh").empty());
  EXPECT_TRUE(search("").empty());
}

TEST_F(HybridSearchTest, ARaisedTokenStopsIt) {
  const HybridParts parts{.store = &*store, .lexical = &*lexical, .vectors = vectors.get(),
                          .embedder = &*embedder};
  monitor::Trace trace(*metrics);
  const CancelToken cancel;
  cancel.cancel();
  const auto stopped = hybrid_search(parts, kLong, {}, 5, trace, cancel);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace docmind::pipeline
