// Attention of every instruction set against softmax(q k) v in double precision.
//
// Tolerances. With u the unit roundoff of the products' inputs and S the size of a score's terms, a
// score is off by about u S, its weight by the same share, and the answer by twice that of the weighted
// |values|, plus the roundings of the sum over the keys. Roundings of a sum are independent: n of them
// come to sqrt(n), and 5 standard deviations are allowed.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "kernels/attention_problem.h"
#include "kernels/half.h"
#include "kernels/random_matrix.h"

namespace docmind {
namespace {

using kernels::Isa;
using kernels::KernelTable;
using test::kUntouched;
using Problem = test::AttentionProblem;
using Shape = test::AttentionShape;

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
constexpr double kBf16Roundoff = 0x1p-8;
constexpr int64_t kFewRows = 16;  // AttentionJob::decode

std::string describe(const Shape& s) {
  return testing::PrintToString(std::vector<int64_t>{s.n_queries, s.n_heads, s.n_kv_heads, s.head_dim, s.n_keys,
                                                     s.causal, s.first_position, s.exact, s.decode});
}

Shape prefill(int64_t n_queries, int64_t first_position, int64_t head_dim, int64_t group, bool exact) {
  return {.n_queries = n_queries, .n_heads = 2 * group, .n_kv_heads = 2, .head_dim = head_dim,
          .n_keys = first_position + n_queries, .causal = true, .first_position = first_position, .exact = exact};
}

// One row of the answer, and how far off each product may be.
struct Expected {
  std::vector<double> row;
  std::vector<double> tolerance;
};

Expected expect_row(Problem& p, int64_t query, int64_t head, bool bf16) {
  const int64_t kv_head = head / (p.job.n_heads / p.job.n_kv_heads);
  const int64_t n = p.visible(query), d = p.job.head_dim;
  std::vector<double> scores;
  double score_error = 0;
  for (int64_t t = 0; t < n; ++t) {
    double score = 0, squares = 0, magnitude = 0;
    for (int64_t c = 0; c < d; ++c) {
      const double q = p.query(query, head)[c];
      const double product = q * kernels::half_to_float(p.key(kv_head, t)[c]);
      score += product;
      squares += product * product;
      magnitude += std::abs(product);
    }
    scores.push_back(score * p.job.scale);
    // Sum of d products, then its conversion to a power of two; inputs in bfloat16 are rounded each.
    double error = 5 * kEpsilon * (std::sqrt(d) * std::sqrt(squares) + magnitude / 16 + std::abs(score));
    if (bf16) error += 5 * kBf16Roundoff * std::sqrt(squares);
    score_error = std::max(score_error, error * p.job.scale);
  }
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - top);
  Expected expected{std::vector<double>(static_cast<size_t>(d)), std::vector<double>(static_cast<size_t>(d))};
  for (int64_t c = 0; c < d; ++c) {
    double mean = 0, magnitude = 0;
    for (int64_t t = 0; t < n; ++t) {
      const double v = kernels::half_to_float(p.value(kv_head, t)[c]);
      mean += scores[static_cast<size_t>(t)] / sum * v;
      magnitude += scores[static_cast<size_t>(t)] / sum * std::abs(v);
    }
    const double roundings = 5 * kEpsilon * (4 + std::sqrt(n)) + (bf16 ? 2 * kBf16Roundoff : 0);
    expected.row[static_cast<size_t>(c)] = mean;
    expected.tolerance[static_cast<size_t>(c)] = (2 * score_error + roundings) * magnitude;
  }
  return expected;
}

class Attention : public testing::TestWithParam<Isa> {
 protected:
  [[nodiscard]] bool uses_bf16(const Shape& shape) const {
    return GetParam() == Isa::kAvx512Bf16 && !shape.exact && !shape.decode;
  }

  // As many rows and as few, where there are few.
  void check(Problem& p, bool all_rows = true) {
    check_once(p, all_rows);
    if (p.job.n_queries * p.job.n_heads / p.job.n_kv_heads > kFewRows) return;
    p.shape.decode = p.job.decode = true;
    check_once(p, all_rows);
    p.shape.decode = p.job.decode = false;
  }
  // All rows, or the first, the last and some between.
  void check_once(Problem& p, bool all_rows) {
    p.reset();
    p.run(table);
    double squared_error = 0, squared_tolerance = 0;
    const int64_t last = p.job.n_queries - 1;
    for (int64_t i = 0; i <= last; i += all_rows || i == last ? 1 : std::min<int64_t>(7, last - i)) {
      for (int64_t head = 0; head < p.job.n_heads; ++head) {
        const Expected expected = expect_row(p, i, head, uses_bf16(p.shape));
        for (int64_t c = 0; c < p.job.head_dim; ++c) {
          const double error = std::abs(p.answer(i, head, c) - expected.row[static_cast<size_t>(c)]);
          const double tolerance = expected.tolerance[static_cast<size_t>(c)];
          ASSERT_LE(error, tolerance) << describe(p.shape) << " query " << i << " head " << head << " channel " << c;
          squared_error += error * error;
          squared_tolerance += tolerance * tolerance;
          auto& worst = uses_bf16(p.shape) ? worst_bf16 : worst_float;
          worst = std::max(worst, error);
        }
      }
    }
    // Typical errors are a fraction of what a single number may be off.
    ASSERT_LE(std::sqrt(squared_error), 0.34 * std::sqrt(squared_tolerance)) << describe(p.shape);
    for (int64_t i = 0; i < p.job.n_queries; ++i) {
      for (int64_t c = p.job.n_heads * p.job.head_dim; c < p.job.out_stride; ++c) {
        ASSERT_EQ(p.out[static_cast<size_t>(i * p.job.out_stride + c)], kUntouched) << describe(p.shape);
      }
    }
  }
  void check(const Shape& shape, bool all_rows = true) {
    Problem problem(shape, static_cast<uint32_t>(shape.n_queries * 31 + shape.n_keys));
    check(problem, all_rows);
  }
  void TearDown() override {
    RecordProperty("worst_error_float", std::to_string(worst_float * 1e6) + "e-6");
    RecordProperty("worst_error_bf16", std::to_string(worst_bf16 * 1e6) + "e-6");
  }

  const KernelTable& table = *kernels::kernel_table(GetParam()).value();
  double worst_float = 0;
  double worst_bf16 = 0;
};

TEST_P(Attention, OneTokenAgainstAnyNumberOfKeys) {
  for (int64_t n_keys = 1; n_keys <= 70; ++n_keys) check(prefill(1, n_keys - 1, 64, 2, true));
  for (const int64_t n_keys : {127, 128, 129, 400}) check(prefill(1, n_keys - 1, 128, 2, false));
}

TEST_P(Attention, PromptsOfEveryLength) {
  for (const bool exact : {true, false}) {
    for (int64_t n = 1; n <= 70; ++n) check(prefill(n, 0, 16, 2, exact), n % 10 == 0);
    for (int64_t n = 71; n <= 130; n += 3) check(prefill(n, 37, 32, 1, exact), false);
  }
}

TEST_P(Attention, EveryHeadSizeAndGroup) {
  for (const bool exact : {true, false}) {
    for (const int64_t head_dim : {8, 16, 24, 40, 64, 72, 80, 96, 128, 192, 256}) {
      check(prefill(3, 20, head_dim, 1, exact));
      check(prefill(37, 20, head_dim, 1, exact), false);
    }
    for (const int64_t group : {1, 2, 3, 4, 5, 7, 8, 16, 20}) {
      check(prefill(1, 33, 64, group, exact));
      check(prefill(23, 33, 64, group, exact), false);
    }
  }
}

// More keys than are packed at a time: largest scores change between tiles.
TEST_P(Attention, LongContexts) {
  for (const bool exact : {true, false}) {
    check(prefill(40, 1060, 64, 2, exact), false);
    check(prefill(300, 300, 64, 1, exact), false);
    check(prefill(2, 1300, 128, 2, exact));
    check(Shape{.n_queries = 40, .n_keys = 1100, .causal = false, .exact = exact}, false);
  }
}

TEST_P(Attention, EncodersSeeEverything) {
  for (const bool exact : {true, false}) {
    for (const int64_t n : {1, 2, 15, 16, 17, 50, 100}) {
      check(Shape{.n_queries = n, .n_heads = 3, .n_kv_heads = 3, .n_keys = n, .causal = false, .exact = exact}, false);
    }
  }
}

// Large queries make the softmax pick single keys.
TEST_P(Attention, SharpScores) {
  for (const float size : {1e-3f, 30.0f, 1000.0f}) {
    for (const int64_t n : {3, 40}) {
      Shape shape = prefill(n, 100, 64, 2, true);
      shape.query_size = size;
      check(shape);
    }
  }
}

// Equal scores, however large or negative, give the mean of the values.
TEST_P(Attention, EqualScoresGiveTheMean) {
  for (const float size : {0.0f, 1.0f, -500.0f}) {
    for (const int64_t n : {1, 30}) {
      Problem p(prefill(n, 50, 64, 1, false), 5);
      for (int64_t h = 0; h < 2; ++h) {
        for (int64_t t = 0; t < p.job.n_keys; ++t) std::fill_n(p.key(h, t), 64, kernels::float_to_half(8));
        for (int64_t i = 0; i < n; ++i) std::fill_n(p.query(i, h), 64, size);
      }
      check(p);
    }
  }
}

TEST_P(Attention, OneKeyGivesItsValue) {
  for (const bool exact : {true, false}) {
    Problem p(prefill(30, 0, 64, 1, exact), 3);
    p.run(table);
    for (int64_t c = 0; c < 64; ++c) {
      const float value = kernels::half_to_float(p.value(1, 0)[c]);
      EXPECT_NEAR(p.answer(0, 1, c), value, std::abs(value) * (uses_bf16(p.shape) ? kBf16Roundoff : kEpsilon));
    }
  }
}

TEST_P(Attention, LaterTokensChangeNothing) {
  for (const bool exact : {true, false}) {
    for (const int64_t n : {4, 60}) {
      Shape shape = prefill(n, 5, 64, 2, exact);
      shape.decode = n == 4;
      Problem p(shape, 9);
      p.run(table);
      const std::vector<float> before = p.out;
      const int64_t changed = 5 + n / 2;  // seen by the query n / 2 and those after it
      for (int64_t h = 0; h < 2; ++h) {
        for (int64_t t = changed; t < p.job.n_keys; ++t) {
          std::fill_n(p.key(h, t), 64, kernels::float_to_half(3e4f));
          std::fill_n(p.value(h, t), 64, kernels::float_to_half(-6e4f));
        }
      }
      p.run(table);
      const auto end = static_cast<std::ptrdiff_t>(n / 2 * p.job.out_stride);
      EXPECT_TRUE(std::equal(before.begin(), before.begin() + end, p.out.begin()));
      EXPECT_NE(before.back(), 0);
      EXPECT_NE(before[static_cast<size_t>(end)], p.out[static_cast<size_t>(end)]);
    }
  }
}

// The threads of a call share its rows: each writes its own only.
TEST_P(Attention, PiecesWriteTheirRowsOnly) {
  Problem p(prefill(50, 30, 64, 2, true), 21);
  p.run(table);
  const std::vector<float> whole = p.out;
  p.reset();
  p.run(table, 1, 7, 40);
  for (int64_t i = 0; i < 50; ++i) {
    for (int64_t head = 0; head < 4; ++head) {
      const bool is_part = head >= 2 && i >= 7 && i < 40;
      for (int64_t c = 0; c < 64; ++c) {
        if (is_part) {
          const float expected = whole[static_cast<size_t>(i * p.job.out_stride + head * 64 + c)];
          ASSERT_NEAR(p.answer(i, head, c), expected, 1e-5);
        } else {
          ASSERT_EQ(p.answer(i, head, c), kUntouched);
        }
      }
    }
  }
}

TEST_P(Attention, WithoutKeysOrQueriesThereIsNothing) {
  Problem p(Shape{.n_queries = 2, .causal = false}, 1);
  p.run(table, 0, 1, 1);
  EXPECT_EQ(p.answer(1, 0, 0), kUntouched);
  p.job.n_keys = 0;
  p.run(table);
  EXPECT_EQ(p.answer(1, 1, 63), 0);
}

// A job says which way it is computed, however many rows there are: the two round differently.
TEST_P(Attention, FewRowsAreComputedAsManyUnlessTheyAreDecoded) {
  for (const bool exact : {true, false}) {
    Problem p(prefill(40, 90, 64, 2, exact), 17);
    p.run(table);
    const std::vector<float> whole = p.out;
    p.reset();
    for (int64_t i = 0; i < 40; ++i) p.run(table, 0, i, i + 1);
    for (int64_t i = 0; i < 40; ++i) {
      const auto row = static_cast<std::ptrdiff_t>(i * p.job.out_stride);
      ASSERT_TRUE(std::equal(whole.begin() + row, whole.begin() + row + 128, p.out.begin() + row)) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Attention, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

}  // namespace
}  // namespace docmind
