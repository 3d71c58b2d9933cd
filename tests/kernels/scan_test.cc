// Scans over the vectors of an index, with every instruction set, against one bit and one product at a
// time. Everything lies at the end of its page: a step beyond it would crash.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "kernels/edge_memory.h"
#include "kernels/random_matrix.h"
#if defined(__x86_64__)
#include "kernels/avx512/scan.h"
#endif

namespace docmind {
namespace {

using kernels::Isa;
using kernels::kSketchPanel;
using kernels::NearSketch;
using test::EdgeRow;
using Words = std::vector<uint64_t>;
using Finder = decltype(kernels::KernelTable::near_sketches);

struct Sketches {
  Words query;
  std::vector<Words> rows;

  [[nodiscard]] uint32_t n_bits(size_t row) const {
    int sum = 0;
    for (size_t w = 0; w < query.size(); ++w) sum += std::popcount(query[w] ^ rows[row][w]);
    return static_cast<uint32_t>(sum);
  }
  // Whole panels; what is beyond the rows equals the query, and must not be found.
  [[nodiscard]] Words panels() const {
    const size_t n_words = query.size(), n_panels = (rows.size() + kSketchPanel - 1) / kSketchPanel;
    Words words(n_panels * n_words * kSketchPanel);
    for (size_t r = 0; r < n_panels * kSketchPanel; ++r) {
      for (size_t w = 0; w < n_words; ++w) {
        words[(r / kSketchPanel * n_words + w) * kSketchPanel + r % kSketchPanel] =
            r < rows.size() ? rows[r][w] : query[w];
      }
    }
    return words;
  }
};

// Random rows; every third is the query with few bits turned, one has all turned.
Sketches random_sketches(size_t n_words, size_t n_rows, std::mt19937_64& random) {
  Sketches sketches{Words(n_words), std::vector<Words>(n_rows, Words(n_words))};
  for (uint64_t& word : sketches.query) word = random();
  for (size_t r = 0; r < n_rows; ++r) {
    for (size_t w = 0; w < n_words; ++w) {
      sketches.rows[r][w] = r % 3 == 0 ? sketches.query[w] : random();
      if (r % 7 == 4) sketches.rows[r][w] = ~sketches.query[w];
    }
    if (r % 3 == 0) sketches.rows[r][random() % n_words] ^= r;
  }
  return sketches;
}

void expect_found(Finder near_sketches, const Sketches& sketches, uint32_t most) {
  const EdgeRow<uint64_t> query(sketches.query), panels(sketches.panels());
  const EdgeRow<NearSketch> out(sketches.rows.size());
  const int64_t n = near_sketches(query.data(), static_cast<int64_t>(sketches.query.size()), panels.data(),
                                  static_cast<int64_t>(sketches.rows.size()), most, out.data());
  int64_t n_expected = 0;
  for (size_t r = 0; r < sketches.rows.size(); ++r) {
    if (sketches.n_bits(r) > most) continue;
    ASSERT_LT(n_expected, n) << "row " << r << " is missing";
    ASSERT_EQ(out.data()[n_expected].row, r);
    ASSERT_EQ(out.data()[n_expected].n_bits, sketches.n_bits(r));
    ++n_expected;
  }
  ASSERT_EQ(n, n_expected);
}

void expect_finds_all(Finder near_sketches) {
  std::mt19937_64 random(31);
  for (const size_t n_words : {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 30, 31, 32, 62, 63, 70, 130}) {
    for (const size_t n_rows : {1, 2, 7, 8, 9, 15, 16, 17, 64, 101}) {
      SCOPED_TRACE(std::to_string(n_rows) + " rows of " + std::to_string(n_words) + " words");
      const Sketches sketches = random_sketches(n_words, n_rows, random);
      const auto n_bits = static_cast<uint32_t>(64 * n_words);
      for (const uint32_t most : {0u, 1u, 3u, n_bits / 2, n_bits - 1, n_bits,
                                  std::numeric_limits<uint32_t>::max()}) {
        expect_found(near_sketches, sketches, most);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

class Scan : public testing::TestWithParam<Isa> {
 protected:
  const kernels::KernelTable& table = *kernels::kernel_table(GetParam()).value();
};

TEST_P(Scan, FindsTheSketchesWithinTheBound) { expect_finds_all(table.near_sketches); }

TEST_P(Scan, NoRowsAreNoneFound) {
  const uint64_t query = 1;
  EXPECT_EQ(table.near_sketches(&query, 1, nullptr, 0, 64, nullptr), 0);
}

TEST_P(Scan, DotOfBytesIsExact) {
  std::vector<size_t> lengths(140);
  std::iota(lengths.begin(), lengths.end(), size_t{0});
  lengths.insert(lengths.end(), {191, 192, 255, 384, 1'000, 1'024, 4'097});
  std::mt19937 random(37);
  std::uniform_int_distribution<int> byte(-128, 127);
  for (const size_t n : lengths) {
    std::vector<int8_t> x(n), y(n);
    int64_t expected = 0;
    for (size_t i = 0; i < n; ++i) {
      x[i] = static_cast<int8_t>(byte(random));
      y[i] = static_cast<int8_t>(byte(random));
      expected += int64_t{x[i]} * y[i];
    }
    const EdgeRow<int8_t> a(x), b(y);
    ASSERT_EQ(table.dot_i8(a.data(), b.data(), static_cast<int64_t>(n)), expected) << n;
  }
}

// The largest sums that the result holds, with all signs; halves of them do not pass through unsigned
// times signed bytes unharmed.
TEST_P(Scan, DotOfExtremeBytesIsExact) {
  constexpr size_t kMost = 131'071;
  for (const int a : {-128, 127}) {
    for (const int b : {-128, 127}) {
      const std::vector<int8_t> x(kMost, static_cast<int8_t>(a)), y(kMost, static_cast<int8_t>(b));
      EXPECT_EQ(table.dot_i8(x.data(), y.data(), kMost), int64_t{a} * b * static_cast<int64_t>(kMost));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Scan, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

// The AVX-512 table holds one of two; a CPU that counts bits can run both.
#if defined(__x86_64__)
TEST(ScanWithoutBitCounts, FindsTheSketchesWithinTheBound) {
  if (!kernels::kernel_table(Isa::kAvx512Vnni).ok()) GTEST_SKIP() << "this CPU has no AVX-512";
  expect_finds_all(kernels::avx512::near_sketches);
}
#endif

}  // namespace
}  // namespace docmind
