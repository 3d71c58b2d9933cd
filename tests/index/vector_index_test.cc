// Vector indexes: the exact one against plain arithmetic, the graph against the exact one, its file.
// SPDX-License-Identifier: Apache-2.0
#include "index/vector_index.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "index/store_samples.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;
using Row = std::vector<float>;

Row unit_row(std::mt19937& random, size_t dimension) {
  std::normal_distribution<float> normal;
  Row row(dimension);
  double square = 0;
  for (float& value : row) {
    value = normal(random);
    square += static_cast<double>(value) * value;
  }
  for (float& value : row) value = static_cast<float>(value / std::sqrt(square));
  return row;
}

// Rows with the ids 10, 20, 30, ...
VectorMatrix random_matrix(size_t n_rows, size_t dimension, uint32_t seed) {
  std::mt19937 random(seed);
  VectorMatrix matrix(dimension);
  for (size_t i = 0; i < n_rows; ++i) {
    must(matrix.append(static_cast<int64_t>(10 * (i + 1)), encode_vector(unit_row(random, dimension))));
  }
  return matrix;
}

std::vector<int64_t> ids_of(const std::vector<ScoredChunk>& hits) {
  std::vector<int64_t> ids;
  for (const ScoredChunk& hit : hits) ids.push_back(hit.chunk_id);
  return ids;
}

TEST(ExactIndex, AgreesWithPlainArithmetic) {
  constexpr size_t kDimension = 16;
  std::mt19937 random(1);
  const VectorMatrix matrix = random_matrix(300, kDimension, 2);
  const auto index = make_exact_index(matrix);
  EXPECT_EQ(index->kind(), "exact");
  EXPECT_EQ(index->n_rows(), 300u);
  for (int round = 0; round < 5; ++round) {
    const Row query = unit_row(random, kDimension);
    std::map<int64_t, double> expected;
    Row row(kDimension);
    for (size_t i = 0; i < matrix.n_rows(); ++i) {
      matrix.decode(i, row);
      double& sum = expected[matrix.id(i)];
      for (size_t d = 0; d < kDimension; ++d) sum += static_cast<double>(row[d]) * query[d];
    }
    const auto hits = must(index->search(query, 300));
    ASSERT_EQ(hits.size(), 300u);
    const std::vector<int64_t> ids = ids_of(hits);
    EXPECT_EQ(std::set<int64_t>(ids.begin(), ids.end()).size(), 300u);
    for (size_t i = 0; i < hits.size(); ++i) {
      // The query is rounded to int8 as well: half a step in each dimension.
      EXPECT_NEAR(hits[i].score, expected.at(hits[i].chunk_id), 0.02);
    }
    EXPECT_TRUE(std::ranges::is_sorted(hits, std::ranges::greater_equal{}, &ScoredChunk::score));
    const auto best = must(index->search(query, 7));
    EXPECT_EQ(ids_of(best), ids_of({hits.begin(), hits.begin() + 7}));
  }
}

TEST(ExactIndex, TiesComeByIdWhateverTheCut) {
  VectorMatrix matrix(2);
  for (const int64_t id : {50, 20, 40, 10, 30}) must(matrix.append(id, encode_vector(Row{1, 0})));
  must(matrix.append(5, encode_vector(Row{-1, 0})));
  const auto index = make_exact_index(std::move(matrix));
  const Row query = {1, 0};
  EXPECT_EQ(ids_of(must(index->search(query, 3))), (std::vector<int64_t>{10, 20, 30}));
  EXPECT_EQ(ids_of(must(index->search(query, 99))), (std::vector<int64_t>{10, 20, 30, 40, 50, 5}));
  EXPECT_TRUE(must(index->search(query, 0)).empty());
}

TEST(VectorIndexes, RefuseAnotherDimensionUnlessTheyAreEmpty) {
  const VectorMatrix matrix = random_matrix(3, 4, 3);
  const auto graph = must(build_hnsw_index(matrix, {}));
  const auto exact = make_exact_index(matrix);
  for (const VectorIndex* index : {exact.get(), graph.get()}) {
    const auto refused = index->search(Row{1, 2, 3}, 1);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().message.find("3 dimensions, the index has 4"), std::string::npos);
  }
  EXPECT_TRUE(must(make_exact_index(VectorMatrix())->search(Row{1, 2}, 5)).empty());
  EXPECT_TRUE(must(must(build_hnsw_index(VectorMatrix(4), {}))->search(Row{1, 2, 3, 4}, 5)).empty());
}

TEST(HnswIndex, FindsWhatTheExactIndexFinds) {
  constexpr size_t kDimension = 24;
  const VectorMatrix matrix = random_matrix(1'500, kDimension, 4);
  const auto exact = make_exact_index(matrix);
  const auto graph = must(build_hnsw_index(matrix, {}));
  EXPECT_EQ(graph->kind(), "hnsw");
  EXPECT_EQ(graph->n_rows(), 1'500u);
  std::mt19937 random(5);
  size_t n_found = 0;
  constexpr size_t kQueries = 20;
  constexpr size_t kTop = 10;
  for (size_t q = 0; q < kQueries; ++q) {
    const Row query = unit_row(random, kDimension);
    std::map<int64_t, double> truth;
    for (const ScoredChunk& hit : must(exact->search(query, kTop))) truth[hit.chunk_id] = hit.score;
    const auto hits = must(graph->search(query, kTop));
    ASSERT_EQ(hits.size(), kTop);
    for (const ScoredChunk& hit : hits) {
      const auto known = truth.find(hit.chunk_id);
      if (known == truth.end()) continue;
      ++n_found;
      EXPECT_NEAR(hit.score, known->second, 1e-5);
    }
    EXPECT_TRUE(std::ranges::is_sorted(hits, std::ranges::greater_equal{}, &ScoredChunk::score));
  }
  EXPECT_GE(n_found, kQueries * kTop * 97 / 100);
}

TEST(HnswIndex, GivesAllRowsWhenMoreAreAskedFor) {
  const VectorMatrix matrix = random_matrix(30, 8, 6);
  const Row query = Row(8, 0.35f);
  const auto graph = must(build_hnsw_index(matrix, {.m = 4, .ef_construction = 20, .ef_search = 5}));
  EXPECT_EQ(ids_of(must(graph->search(query, 100))),
            ids_of(must(make_exact_index(matrix)->search(query, 100))));
}

class HnswFileTest : public testing::Test {
 protected:
  static constexpr size_t kDimension = 8;
  void SetUp() override { must(save_hnsw_index(*graph, path, 7)); }
  Result<std::unique_ptr<VectorIndex>> load(int64_t generation = 7, size_t dimension = kDimension) const {
    return load_hnsw_index(path, generation, dimension, {});
  }
  ErrorCode refusal() const {
    const auto loaded = load();
    EXPECT_FALSE(loaded.ok());
    return loaded.ok() ? ErrorCode::kInternal : loaded.error().code;
  }

  test::TempFolder folder;
  std::string path = folder.path("graph.hnsw");
  VectorMatrix matrix = random_matrix(200, kDimension, 8);
  std::unique_ptr<VectorIndex> graph = must(build_hnsw_index(matrix, {}));
};

TEST_F(HnswFileTest, ALoadedGraphAnswersLikeTheSavedOne) {
  const auto loaded = must(load());
  EXPECT_EQ(loaded->n_rows(), 200u);
  std::mt19937 random(9);
  for (int i = 0; i < 5; ++i) {
    const Row query = unit_row(random, kDimension);
    const auto before = must(graph->search(query, 10));
    const auto after = must(loaded->search(query, 10));
    EXPECT_EQ(ids_of(after), ids_of(before));
  }
}

TEST_F(HnswFileTest, AnotherGenerationOrDimensionIsAMismatchWithBothValues) {
  const auto other = load(8);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kMismatch);
  EXPECT_NE(other.error().message.find("generation 7"), std::string::npos) << other.error().message;
  EXPECT_NE(other.error().message.find("has 8"), std::string::npos) << other.error().message;
  EXPECT_EQ(load(7, kDimension + 1).error().code, ErrorCode::kMismatch);
}

TEST_F(HnswFileTest, NoFileIsNotFound) {
  folder.remove("graph.hnsw");
  EXPECT_EQ(refusal(), ErrorCode::kNotFound);
  must(save_hnsw_index(*graph, path, 7));
  folder.remove("graph.hnsw.seal");
  EXPECT_EQ(refusal(), ErrorCode::kNotFound);
}

TEST_F(HnswFileTest, AnyDamageIsFoundBeforeTheGraphIsRead) {
  const std::string bytes = folder.read("graph.hnsw");
  for (const size_t at : {size_t{0}, size_t{8}, size_t{90}, bytes.size() / 2, bytes.size() - 1}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    folder.write("graph.hnsw", damaged);
    EXPECT_EQ(refusal(), ErrorCode::kMalformed) << at;
  }
  folder.write("graph.hnsw", bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(refusal(), ErrorCode::kMalformed);
  folder.write("graph.hnsw", bytes + "x");
  EXPECT_EQ(refusal(), ErrorCode::kMalformed);
  folder.write("graph.hnsw", "");
  EXPECT_EQ(refusal(), ErrorCode::kMalformed);
  folder.write("graph.hnsw", bytes);
  EXPECT_TRUE(load().ok());
}

TEST_F(HnswFileTest, ADamagedSealIsMalformed) {
  const std::string seal = folder.read("graph.hnsw.seal");
  for (const std::string& damaged : {std::string(), seal.substr(1), seal + "x", "X" + seal.substr(1),
                                     std::string(5'000, 's')}) {
    folder.write("graph.hnsw.seal", damaged);
    const ErrorCode code = refusal();
    EXPECT_TRUE(code == ErrorCode::kMalformed || code == ErrorCode::kLimit) << damaged.size();
  }
  std::string other_hash = seal;
  other_hash.back() = static_cast<char>(other_hash.back() ^ 1);
  folder.write("graph.hnsw.seal", other_hash);
  EXPECT_EQ(refusal(), ErrorCode::kMalformed);
}

TEST_F(HnswFileTest, SavingReplacesGraphAndSealTogether) {
  const VectorMatrix larger = random_matrix(300, kDimension, 10);
  must(save_hnsw_index(*must(build_hnsw_index(larger, {})), path, 9));
  EXPECT_EQ(load(7).error().code, ErrorCode::kMismatch);
  EXPECT_EQ(must(load(9))->n_rows(), 300u);
}

TEST_F(HnswFileTest, OnlyAGraphCanBeSavedAndOnlyWhereThereIsAFolder) {
  const Status exact = save_hnsw_index(*make_exact_index(matrix), path, 7);
  ASSERT_FALSE(exact.ok());
  EXPECT_EQ(exact.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(save_hnsw_index(*graph, folder.path("none/graph"), 7).ok());
  EXPECT_TRUE(load().ok());
}

TEST_F(HnswFileTest, AnEmptyGraphCanBeKeptToo) {
  must(save_hnsw_index(*must(build_hnsw_index(VectorMatrix(kDimension), {})), path, 1));
  const auto loaded = load(1);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ((*loaded)->n_rows(), 0u);
  EXPECT_TRUE(must((*loaded)->search(Row(kDimension, 1), 3)).empty());
}

}  // namespace
}  // namespace docmind::index
