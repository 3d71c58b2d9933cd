// calibrate_pairs: what is inserted, asked and judged, on vectors made by hand.
// SPDX-License-Identifier: Apache-2.0
#include "cache/calibrate_pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace docmind::cache {
namespace {

constexpr size_t kTopics = 16;

// The topic is the last digit group; the vector points there.
Status embed_topic(std::span<const std::string_view> texts, std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t letter = static_cast<size_t>(texts[i].back() - 'a') % kTopics;
    out[i * kTopics + letter] = 2;
  }
  return {};
}

std::string topic(size_t i) { return std::string(1, static_cast<char>('a' + i)); }

TEST(CalibratePairs, JudgesTheClosestQuestion) {
  std::vector<LabelledPair> pairs;
  for (size_t i = 0; i < kTopics; ++i) {
    pairs.push_back({"how do I wash the " + topic(i), "how can I wash the " + topic(i), i % 2 == 0});
  }
  pairs.push_back({"How do I dry the z", "how do I dry the z?", true});
  const auto result = calibrate_pairs(pairs, kTopics, embed_topic, {});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->n_exact, 1U);
  ASSERT_EQ(result->observations.size(), kTopics);
  for (size_t i = 0; i < kTopics; ++i) {
    EXPECT_EQ(result->observations[i].same, i % 2 == 0) << i;
    EXPECT_NEAR(result->observations[i].features.similarity, 1, 1e-6);
    EXPECT_GT(result->observations[i].features.margin, 0);
  }
  EXPECT_EQ(result->report.n_observations, kTopics);
  EXPECT_FALSE(result->report.curve.empty());
  EXPECT_FALSE(result->report.threshold);  // 16 pairs prove nothing
}

TEST(CalibratePairs, AHitOnAnotherRowIsWrong) {
  const std::vector<LabelledPair> pairs = {{"how do I wash a", "how do I press b now b", true},
                                           {"how do I press b", "where is c", false}};
  const auto result = calibrate_pairs(pairs, kTopics, embed_topic, {});
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->observations.size(), 2U);
  EXPECT_FALSE(result->observations[0].same);
}

TEST(CalibratePairs, RefusesWhatItCannotDoAndPassesErrorsOn) {
  EXPECT_FALSE(calibrate_pairs({}, kTopics, embed_topic, {}).ok());
  const std::vector<LabelledPair> pairs = {{"a", "b", true}};
  EXPECT_FALSE(calibrate_pairs(pairs, 0, embed_topic, {}).ok());
  const auto broken = [](std::span<const std::string_view>, std::span<float>) -> Status {
    return Error{ErrorCode::kInvalidArgument, "no vectors today"};
  };
  const auto result = calibrate_pairs(pairs, kTopics, broken, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "no vectors today");
}

}  // namespace
}  // namespace docmind::cache
