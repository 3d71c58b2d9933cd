// Properties of reciprocal rank fusion: the formula, the order, and what must not matter.
// SPDX-License-Identifier: Apache-2.0
#include "index/fusion.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace docmind::index {
namespace {

using List = std::vector<ScoredChunk>;

// Distinct ids in any order; the scores of a list do not matter to fusion.
List any_list() {
  const auto ids = *rc::gen::unique<std::vector<int64_t>>(rc::gen::inRange<int64_t>(1, 40));
  List list;
  for (const int64_t id : ids) list.push_back({id, static_cast<double>(*rc::gen::inRange(-5, 5))});
  return list;
}

std::vector<List> any_lists() {
  std::vector<List> lists;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) lists.push_back(any_list());
  return lists;
}

std::vector<RankedList> ranked(const std::vector<List>& lists, const std::vector<double>& weights) {
  std::vector<RankedList> result;
  for (size_t i = 0; i < lists.size(); ++i) result.push_back({lists[i], weights[i]});
  return result;
}

std::vector<double> any_weights(size_t n) {
  std::vector<double> weights;
  for (size_t i = 0; i < n; ++i) weights.push_back(*rc::gen::inRange(1, 20) / 10.0);
  return weights;
}

bool same(const List& a, const List& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ScoredChunk& x, const ScoredChunk& y) {
    return x.chunk_id == y.chunk_id && x.score == y.score;
  });
}

TEST(Fusion, IsTheSumOfWeightOverKPlusRank) {
  EXPECT_TRUE(rc::check("formula, order and completeness", [] {
    const std::vector<List> lists = any_lists();
    const std::vector<double> weights = any_weights(lists.size());
    const double k = *rc::gen::inRange(0, 100);
    std::map<int64_t, double> expected;
    for (size_t i = 0; i < lists.size(); ++i) {
      for (size_t rank = 1; rank <= lists[i].size(); ++rank) {
        expected[lists[i][rank - 1].chunk_id] += weights[i] / (k + static_cast<double>(rank));
      }
    }
    const List fused = reciprocal_rank_fusion(ranked(lists, weights), k, 1'000);
    RC_ASSERT(fused.size() == expected.size());
    for (size_t i = 0; i < fused.size(); ++i) {
      RC_ASSERT(expected.contains(fused[i].chunk_id));
      RC_ASSERT(std::fabs(expected[fused[i].chunk_id] - fused[i].score) < 1e-12);
      if (i == 0) continue;
      const ScoredChunk& last = fused[i - 1];
      const bool in_order = last.score > fused[i].score ||
                            (last.score == fused[i].score && last.chunk_id < fused[i].chunk_id);
      RC_ASSERT(in_order);
    }
  }));
}

TEST(Fusion, TheLimitCutsTheSameList) {
  EXPECT_TRUE(rc::check("a prefix", [] {
    const std::vector<List> lists = any_lists();
    const std::vector<double> weights = any_weights(lists.size());
    const List all = reciprocal_rank_fusion(ranked(lists, weights), 60, 1'000);
    const size_t limit = *rc::gen::inRange<size_t>(0, 50);
    const List some = reciprocal_rank_fusion(ranked(lists, weights), 60, limit);
    RC_ASSERT(some.size() == std::min(limit, all.size()));
    RC_ASSERT(same(some, List(all.begin(), all.begin() + static_cast<ptrdiff_t>(some.size()))));
  }));
}

TEST(Fusion, TheOrderOfTheListsDoesNotMatter) {
  EXPECT_TRUE(rc::check("bit for bit", [] {
    std::vector<List> lists = any_lists();
    std::vector<double> weights = any_weights(lists.size());
    const List before = reciprocal_rank_fusion(ranked(lists, weights), 60, 1'000);
    std::reverse(lists.begin(), lists.end());
    std::reverse(weights.begin(), weights.end());
    RC_ASSERT(same(before, reciprocal_rank_fusion(ranked(lists, weights), 60, 1'000)));
  }));
}

TEST(Fusion, MovingUpInAListNeverMovesDownInTheResult) {
  EXPECT_TRUE(rc::check("monotonic", [] {
    List list = any_list();
    const List other = any_list();
    RC_PRE(list.size() >= 2u);
    const auto place = [&](int64_t id) {
      const RankedList lists[] = {{list, 1.0}, {other, 1.0}};
      const List fused = reciprocal_rank_fusion(lists, 60, 1'000);
      return std::ranges::find(fused, id, &ScoredChunk::chunk_id) - fused.begin();
    };
    const size_t at = *rc::gen::inRange<size_t>(1, list.size());
    const int64_t id = list[at].chunk_id;
    const auto before = place(id);
    std::swap(list[at], list[at - 1]);
    RC_ASSERT(place(id) <= before);
  }));
}

TEST(Fusion, BeingFirstInBothListsBeatsEverything) {
  const List a = {{7, 1}, {1, 0.9}, {2, 0.8}};
  const List b = {{7, 9}, {2, 8}, {3, 7}};
  const RankedList lists[] = {{a, 1.0}, {b, 0.3}};
  const List fused = reciprocal_rank_fusion(lists, 60, 10);
  ASSERT_EQ(fused.size(), 4u);
  EXPECT_EQ(fused[0].chunk_id, 7);
  EXPECT_EQ(fused[1].chunk_id, 2);  // in both lists, so before 1, which is second in one
  EXPECT_EQ(fused[3].chunk_id, 3);
  EXPECT_TRUE(reciprocal_rank_fusion({}, 60, 10).empty());
}

}  // namespace
}  // namespace docmind::index
