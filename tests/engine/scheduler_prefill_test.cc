// share_prefill: which prompts a pass reads, and how much of each.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <numeric>

#include "engine/scheduler_prefill.h"
#include "support/random_blocks.h"

namespace docmind::engine {
namespace {

using Counts = std::vector<int64_t>;

Counts share(Counts remaining, int64_t n) { return share_prefill(remaining, n); }

TEST(SharePrefill, TheFirstIsServedAndShortOnesJoinIt) {
  EXPECT_EQ(share({2'048}, 256), (Counts{256}));
  EXPECT_EQ(share({100}, 256), (Counts{100}));
  EXPECT_EQ(share({2'048, 2'048}, 256), (Counts{256, 0})) << "long ones take turns";
  EXPECT_EQ(share({2'048, 20, 30}, 256), (Counts{206, 20, 30}));
  EXPECT_EQ(share({2'048, 100, 100}, 256), (Counts{156, 100, 0})) << "at most half of the pass";
  EXPECT_EQ(share({2'048, 100, 20}, 256), (Counts{136, 100, 20}));
  EXPECT_EQ(share({60, 1'000, 50}, 256), (Counts{60, 146, 50})) << "nothing is left unused";
  EXPECT_EQ(share({5, 5}, 1), (Counts{1, 0}));
  EXPECT_EQ(share({}, 256), Counts{});
}

TEST(SharePrefill, IsFullAndNeverTooFull) {
  test::Random random(1);
  for (int i = 0; i < 2'000; ++i) {
    Counts remaining(static_cast<size_t>(random.between(1, 6)));
    for (int64_t& n : remaining) n = random.between(1, 400);
    const int64_t n_tokens = random.between(1, 300);
    const Counts shares = share(remaining, n_tokens);
    ASSERT_EQ(shares.size(), remaining.size());
    for (size_t k = 0; k < shares.size(); ++k) {
      ASSERT_GE(shares[k], 0);
      ASSERT_LE(shares[k], remaining[k]);
    }
    ASSERT_GT(shares[0], 0);
    const int64_t all = std::accumulate(remaining.begin(), remaining.end(), int64_t{0});
    ASSERT_EQ(std::accumulate(shares.begin(), shares.end(), int64_t{0}), std::min(all, n_tokens));
  }
}

}  // namespace
}  // namespace docmind::engine
