// SketchIndex: against its exact twin, with rows that come and go, and under several threads.
// SPDX-License-Identifier: Apache-2.0
#include "index/sketch_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <thread>

#include "index/recent_moves.h"
#include "index/store_samples.h"
#include "index/vector_matrix.h"

namespace docmind::index {
namespace {

using test::must;
using Row = std::vector<float>;

Row unit(Row row) {
  double square = 0;
  for (const float value : row) square += static_cast<double>(value) * value;
  for (float& value : row) value = static_cast<float>(value / std::sqrt(square));
  return row;
}

Row random_row(std::mt19937& random, size_t dimension) {
  std::normal_distribution<float> normal;
  Row row(dimension);
  for (float& value : row) value = normal(random);
  return unit(row);
}

Row near(const Row& row, float distance, std::mt19937& random) {
  Row other = random_row(random, row.size());
  for (size_t i = 0; i < row.size(); ++i) other[i] = row[i] + distance * other[i];
  return unit(other);
}

std::unique_ptr<SketchIndex> make_index(size_t dimension, size_t n_rescored = 256) {
  return must(SketchIndex::create({.dimension = dimension, .n_rescored = n_rescored, .isa = {}}));
}

std::vector<int64_t> ids_of(const std::vector<SketchHit>& hits) {
  std::vector<int64_t> ids;
  for (const SketchHit& hit : hits) ids.push_back(hit.id);
  return ids;
}

constexpr float kAll = -std::numeric_limits<float>::infinity();

TEST(SketchIndex, RefusesDimensionsAndInstructionsThatDoNotExist) {
  for (const size_t dimension : {size_t{0}, size_t{65'537}}) {
    const auto refused = SketchIndex::create({.dimension = dimension, .n_rescored = 1, .isa = {}});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().message.find(std::to_string(dimension)), std::string::npos);
  }
  const auto refused = SketchIndex::create({.dimension = 8, .n_rescored = 1, .isa = "mmx"});
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

TEST(SketchIndex, RefusesAQueryOfAnotherDimension) {
  const auto index = make_index(4);
  for (const auto& refused : {index->search(Row{1, 2, 3}, 1, 0), index->search_exact(Row{1, 2, 3}, 1, 0)}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().message.find("3 dimensions, the index has 4"), std::string::npos);
  }
}

TEST(SketchIndex, ARefusedRowChangesNothing) {
  const auto index = make_index(4);
  must(index->add(1, encode_vector(Row{1, 0, 0, 0})));
  std::string negative = encode_vector(Row{0, 1, 0, 0});
  negative[3] = static_cast<char>(negative[3] ^ 0x80);
  for (const std::string& bytes : {std::string(), std::string(7, 'x'), std::string(9, 'x'), negative}) {
    for (const int64_t id : {1, 2}) {
      const Status refused = index->add(id, bytes);
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().code, ErrorCode::kMalformed);
    }
  }
  EXPECT_EQ(ids_of(must(index->search(Row{1, 0, 0, 0}, 9, kAll))), std::vector<int64_t>{1});
}

// Also far beyond the rows that are compared, and through every size of segment.
TEST(SketchIndex, EveryRowIsFoundByItself) {
  for (const size_t dimension : {1, 2, 3, 63, 64, 65, 192, 255, 257, 300, 384, 1'000}) {
    std::mt19937 random(static_cast<uint32_t>(dimension));
    const size_t n_rows = dimension == 65 ? 40'000 : 700;
    const auto index = make_index(dimension, 1);
    std::vector<Row> rows;
    for (size_t i = 0; i < n_rows; ++i) {
      rows.push_back(random_row(random, dimension));
      must(index->add(static_cast<int64_t>(i), encode_vector(rows.back())));
    }
    EXPECT_EQ(index->n_rows(), n_rows);
    for (size_t i = 0; i < n_rows; i += dimension == 65 ? 997 : 41) {
      const auto hits = must(index->search(rows[i], n_rows, 0.99f));
      const std::vector<int64_t> ids = ids_of(hits);
      ASSERT_TRUE(std::ranges::find(ids, static_cast<int64_t>(i)) != ids.end()) << i << " of " << dimension;
      EXPECT_NEAR(hits[0].similarity, 1, 0.01);
    }
  }
}

class SketchIndexOfTopics : public testing::Test {
 protected:
  static constexpr size_t kDimension = 96;
  static constexpr size_t kRows = 9'000;
  void SetUp() override {
    for (int i = 0; i < 300; ++i) topics.push_back(random_row(random, kDimension));
    for (size_t i = 0; i < kRows; ++i) {
      rows.push_back(near(topics[random() % topics.size()], 0.8f, random));
      must(index->add(static_cast<int64_t>(i), encode_vector(rows.back())));
    }
  }

  std::mt19937 random{3};
  std::vector<Row> topics, rows;
  std::unique_ptr<SketchIndex> index = make_index(kDimension);
};

TEST_F(SketchIndexOfTopics, FindsWhatExactComparisonFinds) {
  size_t n_found = 0, n_expected = 0;
  for (int i = 0; i < 50; ++i) {
    const Row query = near(rows[random() % kRows], 0.5f, random);
    const auto hits = must(index->search(query, 10, 0.5f));
    const auto exact = must(index->search_exact(query, 10, 0.5f));
    ASSERT_FALSE(exact.empty());
    EXPECT_EQ(hits[0].id, exact[0].id);
    EXPECT_EQ(hits[0].similarity, exact[0].similarity);
    const std::vector<int64_t> ids = ids_of(hits);
    n_expected += exact.size();
    for (const SketchHit& hit : exact) n_found += static_cast<size_t>(std::ranges::count(ids, hit.id));
  }
  EXPECT_GE(n_found * 100, n_expected * 98) << n_found << " of " << n_expected;
}

// The work grows with what is asked for: many hits are as complete as few.
TEST_F(SketchIndexOfTopics, ManyHitsAreFoundAsWell) {
  const Row query = near(rows[17], 0.3f, random);
  const auto hits = must(index->search(query, 900, kAll));
  const auto exact = must(index->search_exact(query, 900, kAll));
  std::vector<int64_t> ids = ids_of(hits), expected = ids_of(exact), both;
  ASSERT_EQ(ids.size(), 900u);
  std::ranges::sort(ids);
  std::ranges::sort(expected);
  std::ranges::set_intersection(ids, expected, std::back_inserter(both));
  EXPECT_GE(both.size(), 850u);
}

TEST_F(SketchIndexOfTopics, AllInstructionsAnswerAlike) {
  const auto scalar = must(SketchIndex::create({.dimension = kDimension, .n_rescored = 256, .isa = "scalar"}));
  for (size_t i = 0; i < kRows; ++i) must(scalar->add(static_cast<int64_t>(i), encode_vector(rows[i])));
  for (int i = 0; i < 10; ++i) {
    const Row query = near(rows[random() % kRows], 0.5f, random);
    EXPECT_EQ(ids_of(must(index->search(query, 20, kAll))), ids_of(must(scalar->search(query, 20, kAll))));
  }
}

// The row that is last takes the place of each that goes.
TEST_F(SketchIndexOfTopics, RowsThatGoAreNotFoundAndTheOthersStill) {
  for (size_t i = 0; i < kRows; ++i) {
    if (i % 3 != 0) EXPECT_TRUE(index->remove(static_cast<int64_t>(i)));
  }
  EXPECT_FALSE(index->remove(1));
  EXPECT_EQ(index->n_rows(), kRows / 3);
  for (size_t i = 0; i < kRows; i += 50) {
    const auto hits = must(index->search(rows[i], 1, 0.995f));
    EXPECT_EQ(ids_of(hits), i % 3 == 0 ? std::vector{static_cast<int64_t>(i)} : std::vector<int64_t>());
  }
}

TEST_F(SketchIndexOfTopics, MemoryIsGivenBack) {
  const size_t full = index->size_bytes();
  EXPECT_GE(full, kRows * (kDimension + 32));
  EXPECT_LE(full, 2 * kRows * (kDimension + 32 + 12 + 40));
  for (size_t i = 100; i < kRows; ++i) index->remove(static_cast<int64_t>(i));
  EXPECT_LT(index->size_bytes(), full / 2);
  index->clear();
  EXPECT_EQ(index->n_rows(), 0u);
  EXPECT_LT(index->size_bytes(), 20'000u);
  EXPECT_TRUE(must(index->search(rows[0], 5, kAll)).empty());
  must(index->add(7, encode_vector(rows[0])));
  EXPECT_EQ(ids_of(must(index->search(rows[0], 5, kAll))), std::vector<int64_t>{7});
}

TEST(SketchIndex, AnIdHasOneRowTheLast) {
  const auto index = make_index(3);
  must(index->add(-5, encode_vector(Row{1, 0, 0})));
  must(index->add(8, encode_vector(Row{0, 1, 0})));
  must(index->add(-5, encode_vector(Row{0, 0, 1})));
  EXPECT_EQ(index->n_rows(), 2u);
  EXPECT_TRUE(must(index->search(Row{1, 0, 0}, 5, 0.5f)).empty());
  EXPECT_EQ(ids_of(must(index->search(Row{0, 0, 1}, 5, 0.5f))), std::vector<int64_t>{-5});
}

// Sketches cannot tell equal rows apart, so all of them are compared, however many.
TEST(SketchIndex, TiesComeByIdWhateverTheCut) {
  const auto index = make_index(8, 2);
  const Row row = unit({1, 2, 3, 4, 5, 6, 7, 8});
  for (int64_t id = 500; id > 0; --id) must(index->add(id, encode_vector(row)));
  EXPECT_EQ(ids_of(must(index->search(row, 3, kAll))), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(must(index->search(row, std::numeric_limits<size_t>::max(), kAll)).size(), 500u);
}

TEST(SketchIndex, TheLeastSimilarityIsIncluded) {
  const auto index = make_index(2);
  must(index->add(1, encode_vector(Row{0.6f, 0.8f})));
  const Row query = {1, 0};
  const float similarity = must(index->search(query, 1, kAll))[0].similarity;
  EXPECT_NEAR(similarity, 0.6, 0.01);
  EXPECT_EQ(must(index->search(query, 1, similarity)).size(), 1u);
  EXPECT_TRUE(must(index->search(query, 1, std::nextafter(similarity, 1.0f))).empty());
  EXPECT_TRUE(must(index->search(query, 0, kAll)).empty());
}

TEST(SketchIndex, ZerosAreNearToNothing) {
  const auto index = make_index(3);
  must(index->add(1, encode_vector(Row{0, 0, 0})));
  must(index->add(2, encode_vector(Row{0, 1, 0})));
  EXPECT_TRUE(must(index->search(Row{0, 0, 0}, 5, kAll)).empty());
  EXPECT_TRUE(must(index->search_exact(Row{0, 0, 0}, 5, kAll)).empty());
  EXPECT_TRUE(must(index->search(Row{1, std::numeric_limits<float>::quiet_NaN(), 0}, 5, kAll)).empty());
  EXPECT_EQ(ids_of(must(index->search(Row{0, 1, 0}, 5, 0.1f))), std::vector<int64_t>{2});
}

// A row that stays is found by every search, also by one that passes while the row is moved from the
// end, where the search has not been, to a place where it has. More rows than a search passes at once.
TEST(SketchIndex, SearchesFindWhatIsMovedMeanwhile) {
  constexpr size_t kDimension = 16;
  constexpr int64_t kGoing = 12'000, kRounds = 200;  // ids from 0, and from kGoing
  std::mt19937 random(5);
  const auto index = make_index(kDimension, 8);
  std::vector<Row> rows;
  for (int64_t i = 0; i < kGoing + kRounds; ++i) rows.push_back(random_row(random, kDimension));
  const auto add = [&](int64_t id) { must(index->add(id, encode_vector(rows[static_cast<size_t>(id)]))); };
  for (int64_t id = 0; id < kGoing; ++id) add(id);

  std::atomic<int64_t> staying = -1;
  std::atomic<size_t> n_searches = 0, n_wrong = 0;
  std::atomic<bool> done = false;
  std::thread searching([&] {
    for (; !done; ++n_searches) {
      const int64_t id = staying;
      if (id < 0) continue;
      const auto hits = must(index->search(rows[static_cast<size_t>(id)], 3, 0.9f));
      const std::vector<int64_t> ids = ids_of(hits);
      const bool each_once = std::set<int64_t>(ids.begin(), ids.end()).size() == ids.size();
      if (std::ranges::count(ids, id) != 1 || !each_once) ++n_wrong;
    }
  });
  for (int64_t round = 0; round < kRounds; ++round) {
    add(kGoing + round);
    staying = kGoing + round;
    for (const size_t seen = n_searches; n_searches < seen + 2;) std::this_thread::yield();
    EXPECT_TRUE(index->remove(round));
  }
  done = true;
  searching.join();
  EXPECT_EQ(n_wrong, 0u) << "of " << n_searches;
  EXPECT_EQ(index->n_rows(), static_cast<size_t>(kGoing));
}

TEST(RecentMoves, AreKnownUnlessTheyAreTooMany) {
  RecentMoves moves;
  for (size_t place = 0; place < 1'000; ++place) moves.add(place);
  std::vector<uint32_t> places = {7};
  EXPECT_TRUE(moves.append_since(moves.count(), places));
  EXPECT_TRUE(moves.append_since(998, places));
  EXPECT_EQ(places, (std::vector<uint32_t>{7, 998, 999}));
  EXPECT_TRUE(moves.append_since(1'000 - RecentMoves::kKnown, places));
  EXPECT_EQ(places.size(), 3 + RecentMoves::kKnown);
  EXPECT_FALSE(moves.append_since(999 - RecentMoves::kKnown, places));
}

// More rows than a search remembers are moved while it passes, others are added: it starts again.
TEST(SketchIndex, SearchesOutlastAnyNumberOfChanges) {
  constexpr size_t kDimension = 16;
  constexpr int64_t kRows = 20'000;
  std::mt19937 random(6);
  const auto index = make_index(kDimension, 8);
  const Row staying = random_row(random, kDimension);
  const std::string going = encode_vector(random_row(random, kDimension));
  for (int64_t id = 1; id < kRows; ++id) must(index->add(id, going));
  must(index->add(0, encode_vector(staying)));
  std::atomic<bool> done = false;
  std::thread changing([&] {
    for (int64_t round = 0; !done; ++round) {
      for (int64_t id = 1; id < kRows; ++id) index->remove(id);
      for (int64_t id = 1; id < kRows; ++id) must(index->add(id, going));
    }
  });
  size_t n_missed = 0;
  for (int i = 0; i < 300; ++i) {
    const auto hits = must(index->search(staying, 1, 0.99f));
    n_missed += hits.size() != 1 || hits[0].id != 0 ? 1 : 0;
  }
  done = true;
  changing.join();
  EXPECT_EQ(n_missed, 0u);
}

}  // namespace
}  // namespace docmind::index
