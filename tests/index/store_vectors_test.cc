// Vectors in a store: the embedder's record, loading, damage.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "index/store_samples.h"
#include "index/store_writer.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;

const EmbedderRecord kEmbedder{"model-a", 3, true};

std::string vector_of(float x) { return encode_vector(std::vector<float>{x, 1, -x}); }

class StoreVectorsTest : public testing::Test {
 protected:
  void SetUp() override {
    test::put(writer, "/a", {"one", "two", "three"});
    ids = test::chunk_ids(writer.reader());
    WriteBatch batch = must(writer.begin());
    must(batch.set_embedder(kEmbedder));
    for (size_t i = 0; i < ids.size(); ++i) {
      must(batch.put_vector(ids[i], vector_of(static_cast<float>(i))));
    }
    must(batch.put_embedder_state("idf", std::string("\0\x01", 2)));
    must(batch.commit());
  }
  const StoreReader& reader() const { return writer.reader(); }
  void sql(const std::string& statement) const { must(reader().db().exec(statement)); }

  test::TempFolder folder;
  StoreWriter writer = must(StoreWriter::open(folder.path("store"), {}));
  std::vector<int64_t> ids;
};

TEST_F(StoreVectorsTest, AllVectorsComeByIdAscending) {
  const VectorMatrix matrix = must(reader().load_vectors());
  ASSERT_EQ(matrix.n_rows(), 3u);
  EXPECT_EQ(matrix.dimension(), 3u);
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(matrix.id(row), ids[row]);
    std::vector<float> values(3);
    matrix.decode(row, values);
    EXPECT_NEAR(values[0], static_cast<float>(row), 0.01f);
  }
  EXPECT_EQ(*must(reader().embedder()), kEmbedder);
  EXPECT_EQ(must(reader().embedder_state("idf")), std::string("\0\x01", 2));
  EXPECT_EQ(must(reader().embedder_state("other")), std::nullopt);
}

TEST_F(StoreVectorsTest, ChosenVectorsComeInTheOrderAsked) {
  const std::vector<int64_t> asked = {ids[2], ids[0], ids[2]};
  const VectorMatrix matrix = must(reader().load_vectors(asked));
  ASSERT_EQ(matrix.n_rows(), 3u);
  EXPECT_TRUE(std::equal(asked.begin(), asked.end(), matrix.ids().begin()));
  EXPECT_TRUE(std::ranges::equal(matrix.codes(0), matrix.codes(2)));

  // A chunk without a vector is left out: its text was committed, its vector not yet.
  const std::vector<int64_t> partly = {4711, ids[1]};
  const VectorMatrix there = must(reader().load_vectors(partly));
  ASSERT_EQ(there.n_rows(), 1u);
  EXPECT_EQ(there.id(0), ids[1]);
}

TEST_F(StoreVectorsTest, VectorsGoWithTheirDocument) {
  test::put(writer, "/b", {"four"});
  EXPECT_EQ(must(reader().chunks_without_vector(10)).size(), 1u);
  test::put(writer, "/a", {"five", "six"});
  EXPECT_EQ(must(reader().counts()).n_vectors, 0);
  EXPECT_EQ(must(reader().load_vectors()).n_rows(), 0u);
  EXPECT_EQ(must(reader().chunks_without_vector(10)).size(), 3u);
  EXPECT_EQ(must(reader().chunks_without_vector(2)).size(), 2u);
}

TEST_F(StoreVectorsTest, AnotherEmbedderIsRefusedByBothNames) {
  for (const EmbedderRecord& other : {EmbedderRecord{"model-b", 3, true},
                                      EmbedderRecord{"model-a", 4, true},
                                      EmbedderRecord{"model-a", 3, false}}) {
    WriteBatch batch = must(writer.begin());
    const Status refused = batch.set_embedder(other);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kMismatch);
    const std::string& message = refused.error().message;
    EXPECT_NE(message.find("'model-a' (3 dimensions, normalised)"), std::string::npos) << message;
    EXPECT_NE(message.find("'" + other.identity + "' (" + std::to_string(other.dimension)),
              std::string::npos) << message;
    EXPECT_NE(message.find("--reembed"), std::string::npos) << message;
  }
  WriteBatch batch = must(writer.begin());
  must(batch.set_embedder(kEmbedder));
  must(batch.commit());
}

TEST_F(StoreVectorsTest, DroppingMakesRoomForAnotherEmbedder) {
  const int64_t before = must(reader().generation());
  WriteBatch batch = must(writer.begin());
  ASSERT_FALSE(batch.set_embedder({"model-b", 2, false}).ok());  // does not spoil the batch
  must(batch.drop_vectors());
  must(batch.set_embedder({"model-b", 2, false}));
  must(batch.put_vector(ids[1], encode_vector(std::vector<float>{1, 2})));
  must(batch.commit());
  EXPECT_EQ(must(reader().embedder())->identity, "model-b");
  EXPECT_FALSE(must(reader().embedder())->normalised);
  EXPECT_EQ(must(reader().embedder_state("idf")), std::nullopt);
  EXPECT_EQ(must(reader().load_vectors()).n_rows(), 1u);
  EXPECT_EQ(must(reader().generation()), before + 1);
}

TEST_F(StoreVectorsTest, AVectorOfTheWrongSizeIsRefused) {
  WriteBatch batch = must(writer.begin());
  const Status refused = batch.put_vector(ids[0], encode_vector(std::vector<float>{1, 2}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("has 6 bytes, the embedder's have 7"), std::string::npos)
      << refused.error().message;
  must(batch.put_vector(ids[0], vector_of(9)));
  must(batch.drop_vectors());
  EXPECT_EQ(batch.put_vector(ids[0], vector_of(9)).error().code, ErrorCode::kInvalidArgument);
  for (const int64_t dimension : {0, -1, 65'537}) {
    EXPECT_EQ(batch.set_embedder({"x", dimension, true}).error().code, ErrorCode::kInvalidArgument);
  }
  must(batch.commit());
}

TEST_F(StoreVectorsTest, ADamagedVectorIsNamed) {
  const std::string id = std::to_string(ids[1]);
  for (const char* damage : {"x'00'", "x''", "'text is no vector'", "x'0000807f010203'",
                             "x'0000c0ff010203'", "x'000080bf010203'"}) {
    sql("UPDATE vectors SET vector=" + std::string(damage) + " WHERE chunk_id=" + id);
    const std::vector<int64_t> asked = {ids[1]};
    for (const auto& result : {reader().load_vectors(), reader().load_vectors(asked)}) {
      ASSERT_FALSE(result.ok()) << damage;
      EXPECT_EQ(result.error().code, ErrorCode::kMalformed) << damage;
      EXPECT_NE(result.error().message.find("chunk " + id), std::string::npos);
    }
  }
}

TEST_F(StoreVectorsTest, ADamagedDimensionIsAnError) {
  for (const char* dimension : {"0", "-3", "65537", "9223372036854775807", "'abc'", "NULL", "2",
                                "65536"}) {
    sql("UPDATE meta SET value=" + std::string(dimension) + " WHERE key='embedder_dimension'");
    const auto result = reader().load_vectors();
    ASSERT_FALSE(result.ok()) << dimension;
    EXPECT_EQ(result.error().code, ErrorCode::kMalformed) << dimension;
  }
  // Even then all vectors can be made again.
  WriteBatch batch = must(writer.begin());
  must(batch.drop_vectors());
  must(batch.set_embedder(kEmbedder));
  must(batch.commit());
  EXPECT_EQ(must(reader().load_vectors()).n_rows(), 0u);
}

TEST_F(StoreVectorsTest, ADamagedHashIsNamed) {
  sql("UPDATE documents SET content_hash=x'0102'");
  const auto record = reader().document("/a");
  ASSERT_FALSE(record.ok());
  EXPECT_EQ(record.error().code, ErrorCode::kMalformed);
  EXPECT_NE(record.error().message.find("/a"), std::string::npos);
  EXPECT_FALSE(reader().documents_below("").ok());
}

TEST(StoreWithoutVectors, LoadsAnEmptyMatrix) {
  const test::TempFolder folder;
  const StoreWriter writer = must(StoreWriter::open(folder.path(), {}));
  EXPECT_EQ(must(writer.reader().load_vectors()).n_rows(), 0u);
  EXPECT_EQ(must(writer.reader().embedder()), std::nullopt);
}

}  // namespace
}  // namespace docmind::index
