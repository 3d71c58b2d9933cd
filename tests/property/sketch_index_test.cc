// Properties of SketchIndex: any sequence of changes and searches against a map.
// SPDX-License-Identifier: Apache-2.0
#include "index/sketch_index.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "index/vector_matrix.h"

namespace docmind::index {
namespace {

using Row = std::vector<float>;
using Model = std::map<int64_t, std::string>;  // id to encoded row

Row any_row(size_t dimension) {
  const auto values = *rc::gen::container<std::vector<int>>(dimension, rc::gen::inRange(-9, 10));
  return {values.begin(), values.end()};
}

std::vector<SketchHit> expected_hits(const Model& model, const Row& query, size_t k, float least) {
  const QuantizedQuery quantized = quantize_query(query);
  std::vector<SketchHit> hits;
  if (quantized.scale == 0) return hits;
  for (const auto& [id, encoded] : model) {
    const auto row = view_vector(encoded, query.size());
    const auto similarity = static_cast<float>(
        inner_product(quantized.scale, quantized.codes, row->scale, row->codes));
    if (similarity >= least) hits.push_back({id, similarity});
  }
  std::stable_sort(hits.begin(), hits.end(), [](const SketchHit& a, const SketchHit& b) {
    return a.similarity > b.similarity;
  });
  hits.resize(std::min(k, hits.size()));
  return hits;
}

void check_same(const std::vector<SketchHit>& hits, const std::vector<SketchHit>& expected) {
  RC_ASSERT(hits.size() == expected.size());
  for (size_t i = 0; i < hits.size(); ++i) {
    RC_ASSERT(hits[i].id == expected[i].id);
    // Products of three factors in another order: a rounding apart.
    RC_ASSERT(std::abs(hits[i].similarity - expected[i].similarity) <= 1e-6f * std::abs(expected[i].similarity));
  }
}

void change(SketchIndex& index, Model& model, size_t dimension) {
  const int64_t id = *rc::gen::inRange<int64_t>(-20, 200);
  switch (*rc::gen::inRange(0, 12)) {
    case 0: {
      index.clear();
      return model.clear();
    }
    case 1:
    case 2:
    case 3: RC_ASSERT(index.remove(id) == (model.erase(id) > 0)); return;
    case 4: {  // many at once, over the border of a segment
      for (int64_t i = 0; i < 90; ++i) {
        model[id + i] = encode_vector(Row(dimension, static_cast<float>(i - 40)));
        RC_ASSERT(index.add(id + i, model[id + i]).ok());
      }
      return;
    }
    default: {
      model[id] = encode_vector(any_row(dimension));
      RC_ASSERT(index.add(id, model[id]).ok());
    }
  }
}

TEST(SketchIndexProperty, AnswersLikeAMapWhereAllRowsAreCompared) {
  EXPECT_TRUE(rc::check("any changes, then a search", [] {
    const size_t dimension = *rc::gen::inRange<size_t>(1, 40);
    auto index = SketchIndex::create({.dimension = dimension, .n_rescored = 1'000, .isa = {}}).value();
    Model model;
    for (int i = *rc::gen::inRange(1, 30); i > 0; --i) {
      change(*index, model, dimension);
      RC_ASSERT(index->n_rows() == model.size());
      const Row query = any_row(dimension);
      const size_t k = *rc::gen::inRange<size_t>(0, 300);
      const float least = *rc::gen::element(-1e9f, 0.0f, 50.5f);
      const auto expected = expected_hits(model, query, k, least);
      check_same(index->search(query, k, least).value(), expected);
      check_same(index->search_exact(query, k, least).value(), expected);
    }
  }));
}

// With few rows compared some may be missed; what is found is true, and a row equal to the query is.
TEST(SketchIndexProperty, HitsAreTrueAndARowFindsItself) {
  EXPECT_TRUE(rc::check("any changes, then a search for each row", [] {
    const size_t dimension = *rc::gen::inRange<size_t>(1, 40);
    auto index = SketchIndex::create({.dimension = dimension, .n_rescored = 1, .isa = {}}).value();
    Model model;
    for (int i = *rc::gen::inRange(1, 60); i > 0; --i) change(*index, model, dimension);
    for (const auto& [id, encoded] : model) {
      Row query(dimension);
      RC_ASSERT(decode_vector(encoded, query).ok());
      const auto hits = index->search(query, model.size(), -1e9f).value();
      const auto expected = expected_hits(model, query, model.size(), -1e9f);
      const bool zeros = expected.empty();
      RC_ASSERT(zeros || std::ranges::find(hits, id, &SketchHit::id) != hits.end());
      for (const SketchHit& hit : hits) {
        const auto truth = std::ranges::find(expected, hit.id, &SketchHit::id);
        RC_ASSERT(truth != expected.end());
        RC_ASSERT(std::abs(hit.similarity - truth->similarity) <= 1e-6f * std::abs(truth->similarity));
      }
    }
  }));
}

}  // namespace
}  // namespace docmind::index
