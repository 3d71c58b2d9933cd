// FrequencySketch: estimates, fading, and that growing and shrinking lose nothing.
// SPDX-License-Identifier: Apache-2.0
#include "cache/frequency_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace docmind::cache {
namespace {

TEST(FrequencySketch, CountsUpToFifteen) {
  FrequencySketch sketch;
  std::mt19937_64 random(1);
  const uint64_t hash = random();
  for (int i = 1; i <= 30; ++i) {
    sketch.add(hash);
    EXPECT_EQ(sketch.count_of(hash), std::min(i, FrequencySketch::kMaxCount));
  }
  EXPECT_EQ(sketch.count_of(random()), 0);
  sketch.clear();
  EXPECT_EQ(sketch.count_of(hash), 0);
}

TEST(FrequencySketch, NeverEstimatesTooLowAndSeldomTooHigh) {
  FrequencySketch sketch;
  constexpr size_t kKeys = 1'000;
  sketch.fit(kKeys);
  std::mt19937_64 random(2);
  std::vector<uint64_t> keys(kKeys);
  for (uint64_t& key : keys) key = random();
  int n_too_high = 0;
  for (size_t i = 0; i < kKeys; ++i) {
    for (size_t n = 0; n < i % 5; ++n) sketch.add(keys[i]);
  }
  for (size_t i = 0; i < kKeys; ++i) {
    const int count = sketch.count_of(keys[i]);
    EXPECT_GE(count, static_cast<int>(i % 5));
    n_too_high += count > static_cast<int>(i % 5) ? 1 : 0;
  }
  EXPECT_LT(n_too_high, 100);
}

TEST(FrequencySketch, ForgetsOldUse) {
  FrequencySketch sketch;
  sketch.fit(100);
  std::mt19937_64 random(3);
  const uint64_t hash = random();
  for (int i = 0; i < 15; ++i) sketch.add(hash);
  // Ten for each key and interval: four halvings make nothing of 15.
  for (int i = 0; i < 4'100; ++i) sketch.add(random());
  EXPECT_LT(sketch.count_of(hash), 8);
}

TEST(FrequencySketch, KeepsEstimatesWhenItGrowsAndNeverLowersThemWhenItShrinks) {
  FrequencySketch sketch;
  std::mt19937_64 random(4);
  std::vector<uint64_t> keys(100);
  for (uint64_t& key : keys) key = random();
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t n = 0; n < i % 8; ++n) sketch.add(keys[i]);
  }
  std::vector<int> counts;
  for (const uint64_t key : keys) counts.push_back(sketch.count_of(key));
  const size_t small_bytes = sketch.size_bytes();
  sketch.fit(50'000);
  EXPECT_GE(sketch.size_bytes(), 50'000u * 8);
  EXPECT_LE(sketch.size_bytes(), 50'000u * 16);
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(sketch.count_of(keys[i]), counts[i]);
  sketch.fit(10);
  EXPECT_EQ(sketch.size_bytes(), small_bytes);
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_GE(sketch.count_of(keys[i]), counts[i]);
}

}  // namespace
}  // namespace docmind::cache
