// Corpus: retrieval with its evidence, the last commit always, graph and scan alike.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/corpus.h"

#include <gtest/gtest.h>

#include <set>

#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

class CorpusTest : public AskerTest {
 protected:
  void SetUp() override {
    write("wal.md", "# Log\n\nThe write ahead log keeps every change.\n");
    write("vacuum.md", "# Vacuum\n\nVacuum removes dead rows.\n");
    write("backup.md", "# Backup\n\nA backup copies every file.\n");
    index();
    open();
  }
  static std::vector<int64_t> ids(const Retrieval& retrieval) {
    std::vector<int64_t> found;
    for (const Passage& passage : retrieval.passages) found.push_back(passage.chunk_id);
    return found;
  }
};

TEST_F(CorpusTest, AMissingStoreSaysHowToIndex) {
  const auto missing = Corpus::open(folder.path("none"), {});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("docmind index"), std::string::npos);
}

TEST_F(CorpusTest, GivesPassagesWithWhatBindsAndExplainsThem) {
  const Retrieval retrieval = retrieve("write ahead log");
  ASSERT_FALSE(retrieval.passages.empty());
  const Passage& best = retrieval.passages[0];
  EXPECT_EQ(best.path, doc("wal.md"));
  EXPECT_EQ(best.title, "Log");
  EXPECT_NE(best.text.find("keeps every change"), std::string::npos);
  EXPECT_EQ(best.start_line, 1u);
  EXPECT_EQ(best.end_line, 3u);
  EXPECT_NEAR(best.relevance, 1.0, 1e-9);
  ASSERT_EQ(retrieval.origins.size(), retrieval.passages.size());
  EXPECT_EQ(retrieval.origins[0].lexical_rank, 1u);
  ASSERT_EQ(retrieval.content_hashes.size(), retrieval.passages.size());
  EXPECT_EQ(retrieval.content_hashes[0], to_hex(sha256(folder.read("docs/wal.md"))));
  EXPECT_EQ(retrieval.generation, must(reader().generation()));
  EXPECT_EQ(retrieval.vector_kind, "exact");
  EXPECT_FALSE(corpus->embedder_identity().empty());
}

TEST_F(CorpusTest, IsDeterministicAndBestFirst) {
  const Retrieval first = retrieve("every file and every change");
  const Retrieval second = retrieve("every file and every change");
  EXPECT_EQ(ids(first), ids(second));
    for (size_t i = 1; i < first.passages.size(); ++i) {
    EXPECT_GE(first.passages[i - 1].score, first.passages[i].score);
  }
  open();
  EXPECT_EQ(ids(retrieve("every file and every change")), ids(first));
}

TEST_F(CorpusTest, GivesAtMostTopK) {
  for (const size_t top_k : {0u, 1u, 2u, 50u}) {
    EXPECT_LE(retrieve("every log vacuum backup", {.top_k = top_k}).passages.size(), top_k);
    EXPECT_LE(retrieve("every log vacuum backup", {.top_k = top_k, .rerank_depth = 0}).passages.size(),
              top_k);
  }
  EXPECT_EQ(retrieve("every log vacuum backup", {.top_k = 1}).passages.size(), 1u);
}

TEST_F(CorpusTest, SeesWhatAnotherWriterCommitted) {
  const int64_t before = must(corpus->refresh());
  const auto before_ids = ids(retrieve("vacuum"));
  write("new.md", "# Vacuum cost\n\nVacuum cost delay slows the vacuum down.\n");
  index();
  EXPECT_GT(must(corpus->refresh()), before);
  const Retrieval after = retrieve("vacuum cost delay");
  EXPECT_EQ(after.passages.at(0).path, doc("new.md"));
  EXPECT_EQ(after.generation, must(reader().generation()));
  EXPECT_NE(ids(retrieve("vacuum")), before_ids);
  remove("new.md");
  index();
  for (const Passage& passage : retrieve("vacuum cost delay").passages) {
    EXPECT_NE(passage.path, doc("new.md"));
  }
}

// A chunk's text is committed before its vector: a question in between must find it all the same.
TEST_F(CorpusTest, FindsTextThatHasNoVectorYet) {
  write("new.md", "# Turbine\n\nThe turbine spins quickly.\n");
  const CancelToken cancel;
  const auto stopped = try_index(request(), cancel, [&](const IndexProgress& now) {
    if (now.path == doc("new.md")) cancel.cancel();
  });
  ASSERT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const index::StoreCounts counts = must(reader().counts());
  ASSERT_LT(counts.n_vectors, counts.n_chunks);
  EXPECT_EQ(retrieve("turbine").passages.at(0).path, doc("new.md"));
  EXPECT_FALSE(retrieve("write ahead log").passages.empty());
}

TEST_F(CorpusTest, AQuestionWithoutKnownWordsFindsNothingOrLittle) {
  for (const char* question : {"", "?!", "xyzzy", "the of and", "\xff\xfe", "\"; DROP TABLE chunks"}) {
    monitor::Trace trace(*metrics);
    const auto retrieval = corpus->retrieve(question, {}, trace, {});
    ASSERT_TRUE(retrieval.ok()) << question << ": " << retrieval.error().message;
  }
  EXPECT_TRUE(retrieve("xyzzy").passages.empty());
}

TEST_F(CorpusTest, ARareStemWeighsMost) {
  must(corpus->refresh());
  const double unknown = corpus->inverse_document_frequency("xyzzy");
  const double rare = corpus->inverse_document_frequency("vacuum");
  const double common = corpus->inverse_document_frequency("everi");
  EXPECT_GT(unknown, rare);
  EXPECT_GT(rare, common);
  EXPECT_GT(common, 0);
}

// Two corpora over one store, one of which takes the graph: the same best passages.
TEST_F(CorpusTest, AGraphFindsWhatAScanFinds) {
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    write("t" + n + ".md", "# Topic " + n + "\n\nSubject s" + n + " is about item i" + n + ".\n");
  }
  IndexRequest wanted = request();
  wanted.exact_limit = 10;
  index(wanted);
  const auto scanned = ids(retrieve("what is subject s17 about", {.top_k = 1}));
  EXPECT_EQ(retrieve("subject s17").vector_kind, "exact");
  open({.exact_limit = 10});
  EXPECT_EQ(retrieve("subject s17").vector_kind, "hnsw");
  EXPECT_EQ(ids(retrieve("what is subject s17 about", {.top_k = 1})), scanned);

  // A graph of another generation or a damaged one is passed over, not trusted.
  folder.write("store/" + index::graph_path("").substr(1), "damaged");
  open({.exact_limit = 10});
  EXPECT_EQ(retrieve("subject s17").vector_kind, "exact");
  EXPECT_EQ(ids(retrieve("what is subject s17 about", {.top_k = 1})), scanned);
}

TEST_F(CorpusTest, VectorsOfAnotherEmbedderAreRefused) {
  must(open_writer().reader().db().exec(
      "UPDATE meta SET value='some-model/7' WHERE key='embedder_identity';"
      "UPDATE meta SET value=value+1 WHERE key='generation';"));
  const auto refused = corpus->refresh();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kMismatch);
  EXPECT_NE(refused.error().message.find("some-model/7"), std::string::npos);
  monitor::Trace trace(*metrics);
  EXPECT_FALSE(corpus->retrieve("log", {}, trace, {}).ok());  // and again: no half-made state is used
}

}  // namespace
}  // namespace docmind::pipeline
