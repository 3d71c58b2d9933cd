// Attention over sealed pages, of every instruction set, against attention_pages_expected.h; and that what a
// page is read as, and so the answer, depends on the query alone.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include "kernels/attention_pages_expected.h"
#include "kernels/attention_pages_problem.h"
#include "kernels/random_matrix.h"

namespace docmind {
namespace {

using kernels::Isa;
using kernels::kKvPageTokens;
using kernels::KernelTable;
using test::Expected;
using test::expect_row;
using test::Held;
using test::PageFormat;
using test::Precision;
using test::square;
using Problem = test::PagesProblem;
using Shape = test::AttentionShape;

constexpr double kWideLevels = 0x1p14;

std::string describe(const Problem& p) {
  const Shape& s = p.problem.shape;
  const PageFormat& f = p.format;
  return testing::PrintToString(std::vector<int64_t>{s.n_queries, s.n_heads, s.n_kv_heads, s.head_dim, s.n_keys,
                                                     s.exact, s.decode}) +
         testing::PrintToString(std::vector<int64_t>{f.key_bits, f.value_bits, f.key_group, f.value_group,
                                                     f.residual});
}

class AttentionPages : public testing::TestWithParam<Isa> {
 protected:
  [[nodiscard]] Precision precision(const Problem& p) const {
    const bool exact = p.problem.shape.exact;
    if (GetParam() == Isa::kScalar) return {};
    if (!p.problem.shape.decode) return {.bf16 = GetParam() == Isa::kAvx512Bf16 && !exact};
    const bool bytes = GetParam() != Isa::kAvx2 && !exact && p.format.key_bits < 8;
    return {.key_levels = bytes ? 127 : kWideLevels, .value_levels = kWideLevels};
  }

  void check(Problem& p, int64_t every = 1) {
    p.problem.reset();
    p.run(table, 0, p.job.n_queries);
    double squared_error = 0, squared_tolerance = 0;
    for (int64_t i = 0; i < p.job.n_queries; i += every) {
      for (int64_t head = 0; head < p.job.n_heads; ++head) {
        const Expected expected = expect_row(p, i, head, precision(p));
        for (int64_t c = 0; c < p.job.head_dim; ++c) {
          const double error = std::abs(p.problem.answer(i, head, c) - expected.row[static_cast<size_t>(c)]);
          const double tolerance = expected.tolerance[static_cast<size_t>(c)];
          ASSERT_LE(error, tolerance) << describe(p) << " query " << i << " head " << head << " channel " << c;
          squared_error += square(error);
          squared_tolerance += square(tolerance);
        }
      }
    }
    ASSERT_LE(std::sqrt(squared_error), 0.34 * std::sqrt(squared_tolerance)) << describe(p);
  }

  // One query after `before` tokens, decoded, and 70 queries as a prompt.
  void check_both(Shape shape, const PageFormat& format, int64_t before, const std::function<void(Problem&)>& change) {
    for (const bool decode : {true, false}) {
      shape.decode = decode;
      shape.n_queries = decode ? 1 : 70;
      shape.first_position = before;
      shape.n_keys = before + shape.n_queries;
      Problem p(shape, format, static_cast<uint32_t>(before));
      change(p);
      check(p, 23);
    }
  }
  void check_both(const Shape& shape, const PageFormat& format, int64_t before) {
    check_both(shape, format, before, [](Problem& p) { p.hold(as_a_cache); });
  }

  // The first page is exact, others were sealed while older queries need their blocks.
  static Held as_a_cache(int64_t page) { return page == 0 ? Held::kExact : Held::kBoth; }

  const KernelTable& table = *kernels::kernel_table(GetParam()).value();
};

constexpr int kBits[][2] = {{8, 8}, {4, 4}, {8, 4}, {3, 2}, {2, 2}, {4, 2}, {3, 3}};

TEST_P(AttentionPages, EveryFormatAndGroup) {
  constexpr int64_t kValueGroups[] = {16, 32, 64, 128, 256};
  size_t i = 0;
  for (const auto& [key_bits, value_bits] : kBits) {
    for (const int64_t key_group : {32, 64}) {
      check_both({.n_heads = 2, .n_kv_heads = 2, .head_dim = 128, .exact = key_group == 32},
                 {key_bits, value_bits, key_group, kValueGroups[i++ % std::size(kValueGroups)]}, 283);
    }
  }
}

TEST_P(AttentionPages, EveryHeadSize) {
  for (const auto& [key_bits, value_bits] : {std::pair(8, 8), std::pair(4, 3), std::pair(2, 4)}) {
    check_both({.n_heads = 2, .n_kv_heads = 2, .head_dim = 64, .exact = false}, {key_bits, value_bits, 64, 128}, 260);
    check_both({.n_heads = 1, .n_kv_heads = 1, .head_dim = 256, .exact = false}, {key_bits, value_bits, 64, 256}, 260);
    check_both({.n_heads = 2, .n_kv_heads = 2, .head_dim = 80, .exact = false}, {key_bits, value_bits, 32, 80}, 260);
    check_both({.n_heads = 2, .n_kv_heads = 2, .head_dim = 24, .exact = true}, {key_bits, value_bits, 64, 24}, 260);
  }
  check_both({.n_heads = 1, .n_kv_heads = 1, .head_dim = 512, .exact = false}, {8, 8}, 260);
  check_both({.n_heads = 1, .n_kv_heads = 1, .head_dim = 1024, .exact = true}, {8, 8}, 260);
}

TEST_P(AttentionPages, EveryNumberOfRows) {
  for (int64_t group = 1; group <= 16; ++group) {
    if (group % 2 == 0) check_both({.n_heads = group, .n_kv_heads = 1, .exact = false}, {4, 4}, 260);
    if (group % 2 == 1) check_both({.n_heads = group, .n_kv_heads = 1, .exact = true}, {8, 3, 32}, 260);
  }
}

TEST_P(AttentionPages, EveryResidualAndPosition) {
  for (const int64_t residual : {64, 128, 256}) {
    for (const int64_t before : {63, 64, 128, 191, 192, 193, 256, 319, 447, 448, 511, 512, 576}) {
      check_both({.n_heads = 1, .exact = true}, {8, 4, 64, 64, residual}, before);
    }
  }
}

// However pages are held; encoders' queries see all keys.
TEST_P(AttentionPages, HeldOneWayOrBothWays) {
  std::mt19937 random(7);
  const auto any = [&](int64_t) { return static_cast<Held>(random() % 3); };
  for (int i = 0; i < 8; ++i) {
    const int64_t before = 100 + static_cast<int64_t>(random() % 500);
    check_both({.exact = i % 2 == 0}, {4, 4}, before, [&](Problem& p) { p.hold(any); });
  }
  for (const bool decode : {false, true}) {
    Problem p({.n_queries = decode ? 4 : 40, .n_keys = 333, .causal = false, .decode = decode}, {8, 8}, 5);
    p.hold(any);
    check(p);
    p.hold([](int64_t) { return Held::kSealed; });
    check(p);
    p.hold([](int64_t) { return Held::kBoth; });
    check(p);
  }
}

TEST_P(AttentionPages, OutlierChannels) {
  for (const auto& [key_bits, value_bits] : kBits) {
    for (const bool exact : {true, false}) {
      check_both({.head_dim = 128, .exact = exact}, {key_bits, value_bits}, 400, [](Problem& p) {
        for (const int64_t channel : {3, 67, 90}) p.add_outliers(channel, 50);
        p.hold(as_a_cache);
      });
    }
  }
}

// Large queries make the softmax pick single keys; tiny ones must not be divided by nothing.
TEST_P(AttentionPages, SharpAndFlatScores) {
  for (const float size : {1e-35f, 1e-3f, 30.0f, 1000.0f}) {
    check_both({.exact = true, .query_size = size}, {8, 8}, 300);
  }
}

// A channel that is the same in all keys has a scale of 0, and so has a value of zeros.
TEST_P(AttentionPages, ConstantKeysAndZeroValues) {
  check_both({.exact = true}, {4, 4}, 300, [](Problem& p) {
    for (int64_t t = 0; t < p.job.n_keys; ++t) {
      std::fill_n(p.problem.key(0, t), 64, kernels::float_to_half(1.5f));
      if (t % 3 != 0) std::fill_n(p.problem.value(0, t), 64, kernels::Half{0});
    }
    p.hold(as_a_cache);
  });
}

// Prompts are cut into passes and passes into tiles, and what a page is read as depends on the query alone.
TEST_P(AttentionPages, PiecesOfAPromptGiveTheSame) {
  if (GetParam() == Isa::kScalar) return;  // takes one row after the other
  std::mt19937 random(11);
  for (int round = 0; round < 6; ++round) {
    const auto before = static_cast<int64_t>(random() % 500);
    Problem p({.n_queries = 256, .n_heads = 4, .n_kv_heads = 2, .head_dim = 64, .n_keys = before + 256,
               .first_position = before, .exact = round % 2 == 0},
              {kBits[round][0], kBits[round][1]}, 31);
    p.hold([&](int64_t page) { return round < 2 ? as_a_cache(page) : static_cast<Held>(random() % 3); });
    p.run(table, 0, 256);
    const std::vector<float> whole = p.problem.out;
    for (const int64_t piece : {1, 7, 64, 100}) {
      p.problem.reset();
      for (int64_t i = 0; i < 256; i += piece) p.run(table, i, std::min<int64_t>(i + piece, 256));
      ASSERT_EQ(p.problem.out, whole) << describe(p) << " pieces of " << piece << " after " << before;
    }
  }
}

// Queries of two pages that are decoded together are as those that are decoded alone.
TEST_P(AttentionPages, RowsDecodedTogetherAreAsAlone) {
  for (const auto& [key_bits, value_bits] : kBits) {
    Problem p({.n_queries = 5, .n_heads = 3, .head_dim = 64, .n_keys = 386, .first_position = 381, .exact = false,
               .decode = true},
              {key_bits, value_bits}, 31);
    p.hold(as_a_cache);
    p.run(table, 0, 5);
    const std::vector<float> together = p.problem.out;
    p.problem.reset();
    for (int64_t i = 0; i < 5; ++i) p.run(table, i, i + 1);
    EXPECT_EQ(p.problem.out, together) << describe(p);
  }
}

// One key in the direction of the query, at any depth, is attended to as over exact blocks. Its value is 1
// where all others are 0, so the answer is its weight.
TEST_P(AttentionPages, NeedleIsFoundAtEveryDepth) {
  constexpr int64_t kTokens = 8192, kDim = 128;
  struct Case {
    PageFormat format;
    float needle;  // its key is so many times the query
    double most;   // of its weight, as seen over exact blocks
  };
  // With few bits a score is uncertain, and so is the weight of a needle that stands out only just. Two bits
  // also cut off the largest channels of an unusually large key.
  for (const Case& c : {Case{{8, 8}, 1.0f, 0.95}, Case{{4, 4}, 1.1f, 0.99}, Case{{8, 4}, 1.0f, 0.95},
                        Case{{3, 3}, 1.5f, 1}, Case{{4, 2}, 1.1f, 0.99}, Case{{2, 2}, 2.0f, 1}}) {
    Problem p({.n_heads = 1, .head_dim = kDim, .n_keys = kTokens, .first_position = kTokens - 1, .exact = false,
               .decode = true},
              c.format, 77);
    for (int64_t t = 0; t < kTokens; ++t) std::fill_n(p.problem.value(0, t), kDim, kernels::Half{0});
    p.hold([&](int64_t page) { return page == 0 || page >= kTokens / 64 - 2 ? Held::kExact : Held::kSealed; });
    for (int percent = 0; percent <= 100; percent += 10) {
      const int64_t at = (kTokens - 1) * percent / 100, page = at / kKvPageTokens;
      std::vector<kernels::Half> before(p.problem.key(0, at), p.problem.key(0, at) + kDim);
      for (int64_t i = 0; i < kDim; ++i) {
        p.problem.key(0, at)[i] = kernels::float_to_half(c.needle * p.problem.query(0, 0)[i]);
      }
      std::fill_n(p.problem.value(0, at), kDim, kernels::float_to_half(1));
      p.seal(page);
      p.problem.run(table);
      const float exact = p.problem.answer(0, 0, 0);
      p.run(table, 0, 1);
      EXPECT_GT(exact, 0.5);
      EXPECT_LE(exact, c.most);
      EXPECT_NEAR(p.problem.answer(0, 0, 0), exact, 0.02 * exact) << describe(p) << " at " << percent << "%";
      std::copy(before.begin(), before.end(), p.problem.key(0, at));
      std::fill_n(p.problem.value(0, at), kDim, kernels::Half{0});
      p.seal(page);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, AttentionPages, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

}  // namespace
}  // namespace docmind
