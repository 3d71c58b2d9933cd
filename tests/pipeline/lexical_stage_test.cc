// LexicalStage and its table in the store: when it trains, what it projects, damage, cancellation.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lexical_stage.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pipeline/lexical_terms.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

class LexicalStageTest : public PipelineTest {
 protected:
  void put(int first, int n) const {
    index::WriteBatch batch = must(writer.begin());
    for (int i = first; i < first + n; ++i) {
      const std::string number = std::to_string(i);
      must(batch.put_document(docmind::test::sample_document("/" + number), "",
                              docmind::test::sample_chunks({"shared words of text t" + number})));
    }
    must(batch.commit());
  }
  Result<bool> update(const CancelToken& cancel = {}) {
    return LexicalStage(pool, *metrics).update(writer, [](const IndexProgress&) {}, cancel);
  }
  LexicalState state() const { return *must(read_lexical_state(writer.reader())); }
  void expect_all_embedded() const {
    const index::StoreCounts counts = must(writer.reader().counts());
    EXPECT_EQ(counts.n_vectors, counts.n_chunks);
  }

  index::StoreWriter writer = open_writer();
  ThreadPool pool{1};
};

TEST_F(LexicalStageTest, AnEmptyStoreNeedsNoTraining) {
  EXPECT_FALSE(must(update()));
  EXPECT_FALSE(must(read_lexical_state(writer.reader())));
  EXPECT_FALSE(must(writer.reader().embedder()));
}

TEST_F(LexicalStageTest, TrainsFirstThenProjectsThenTrainsAnew) {
  put(0, 20);
  EXPECT_TRUE(must(update()));
  expect_all_embedded();
  EXPECT_EQ(state().n_trained, 20);
  EXPECT_EQ(state().n_since, 0);
  EXPECT_EQ(must(writer.reader().embedder())->dimension,
            static_cast<int64_t>(state().parameters.dimension));
  EXPECT_FALSE(must(update()));  // nothing new

  put(20, 4);  // a fifth
  EXPECT_FALSE(must(update()));
  expect_all_embedded();
  EXPECT_EQ(state().n_trained, 20);
  EXPECT_EQ(state().n_since, 4);

  put(24, 1);  // more than a fifth since
  EXPECT_TRUE(must(update()));
  expect_all_embedded();
  EXPECT_EQ(state().n_trained, 25);
  EXPECT_EQ(state().n_since, 0);
}

TEST_F(LexicalStageTest, AProjectedTextGetsTheVectorThatTheEmbedderGives) {
  put(0, 20);
  must(update());
  put(20, 1);
  must(update());
  const std::vector<int64_t> ids = docmind::test::chunk_ids(writer.reader());
  const index::VectorMatrix matrix = must(writer.reader().load_vectors());
  const auto terms = must(StoredTerms::open(writer.reader(), state()));
  const providers::LexicalEmbedder embedder(*terms);
  const size_t dimension = state().parameters.dimension;
  const auto chunk = must(writer.reader().chunks(std::vector<int64_t>{ids.back()})).at(0);
  const std::string text = embedded_text("", chunk.heading, chunk.text);
  const std::string_view view = text;
  std::vector<float> expected(dimension);
  must(embedder.embed({&view, 1}, providers::EmbedKind::kDocument, expected, {}));
  std::vector<float> stored(dimension);
  matrix.decode(matrix.n_rows() - 1, stored);
  double square = 0;
  for (size_t d = 0; d < dimension; ++d) {
    EXPECT_NEAR(stored[d], expected[d], 0.01);
    square += static_cast<double>(expected[d]) * expected[d];
  }
  EXPECT_NEAR(square, 1.0, 1e-3);
}

TEST_F(LexicalStageTest, ACancelledTrainingLeavesTheStoreAsItWas) {
  put(0, 20);
  const int64_t generation = must(writer.reader().generation());
  const CancelToken cancel;
  cancel.cancel();
  const auto stopped = update(cancel);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(must(writer.reader().generation()), generation);
  EXPECT_EQ(must(writer.reader().counts()).n_vectors, 0);
  EXPECT_TRUE(must(update()));
  expect_all_embedded();
}

TEST_F(LexicalStageTest, VectorsOfAnotherEmbedderAreNotMixedIn) {
  put(0, 3);
  index::WriteBatch batch = must(writer.begin());
  must(batch.set_embedder({"some-model/7", 4, true}));
  must(batch.commit());
  const Status refused = LexicalStage(pool, *metrics).check(writer.reader());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kMismatch);
}

TEST_F(LexicalStageTest, ADamagedRecordSaysWhatToDo) {
  put(0, 5);
  must(update());
  for (const char* damage : {"x''", "x'00'", "zeroblob(48)", "zeroblob(47)", "randomblob(400)"}) {
    must(writer.reader().db().exec("UPDATE embedder_state SET value=" + std::string(damage) +
                                   " WHERE key=CAST('lexical' AS BLOB)"));
    const auto read = read_lexical_state(writer.reader());
    ASSERT_FALSE(read.ok()) << damage;
    EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
    EXPECT_NE(read.error().message.find("--reembed"), std::string::npos);
  }
}

TEST_F(LexicalStageTest, ADamagedTermIsNamedAndAnUnknownOneWeighsNothing) {
  put(0, 5);
  must(update());
  const auto terms = must(StoredTerms::open(writer.reader(), state()));
  std::vector<float> vector(state().parameters.dimension);
  EXPECT_GT(must(terms->find("share", vector)), 0);
  EXPECT_EQ(must(terms->find("xyzzy", vector)), 0);
  EXPECT_EQ(must(terms->find("lexical", vector)), 0);  // the key of the state is no term
  must(writer.reader().db().exec("UPDATE embedder_state SET value=x'0011' WHERE key=CAST(':share' AS BLOB)"));
  const auto damaged = terms->find("share", vector);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, ErrorCode::kMalformed);
  EXPECT_NE(damaged.error().message.find("'share'"), std::string::npos);
}

TEST_F(LexicalStageTest, TheStateComesBackAsItWasWritten) {
  const LexicalState written{.parameters = {.dimension = 64, .k1 = 1.5, .b = 0.25},
                             .average_length = 12.5,
                             .n_trained = 1'000'000'007,
                             .n_since = 3};
  index::WriteBatch batch = must(writer.begin());
  must(write_lexical_state(batch, written));
  must(batch.commit());
  EXPECT_EQ(state().parameters, written.parameters);
  EXPECT_EQ(state().average_length, 12.5);
  EXPECT_EQ(state().n_trained, 1'000'000'007);
  EXPECT_EQ(state().n_since, 3);
}

}  // namespace
}  // namespace docmind::pipeline
