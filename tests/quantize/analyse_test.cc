// analyse: the order of the formats, NF4's levels, double quantization, and bounded, honest sums.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/analyse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quantize/nf4.h"
#include "support/model_writer.h"
#include "support/random_blocks.h"
#include "support/temp_folder.h"

namespace docmind::quantize {
namespace {

using kernels::TensorType;
using test::Random;
using test::TempFolder;

// The x with P(N(0, 1) < x) = p.
double normal_quantile(double p) {
  double low = -10;
  double high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return low;
}

TEST(Nf4, LevelsAreQuantilesOfTheNormalDistribution) {
  // The outermost probability that QLoRA's implementation chose: between 1 - 1/30 and 1 - 1/32.
  const double outermost = 0.9677083;
  const double largest = normal_quantile(outermost);
  for (int i = 0; i < 8; ++i) {
    const double above = outermost - (outermost - 0.5) * (7 - i) / 8;
    const auto level = static_cast<double>(kNf4Levels[static_cast<size_t>(8 + i)]);
    EXPECT_NEAR(level, normal_quantile(above) / largest, 1e-5) << i;
  }
  for (int i = 0; i < 7; ++i) {
    const double below = outermost - (outermost - 0.5) * i / 7;
    EXPECT_NEAR(static_cast<double>(kNf4Levels[static_cast<size_t>(i)]), -normal_quantile(below) / largest, 1e-5) << i;
  }
  EXPECT_EQ(kNf4Levels[7], 0);
  EXPECT_DOUBLE_EQ(kNf4Bits, 4.5);
  EXPECT_NEAR(kNf4DoubleBits, 4.127, 0.0005);
}

TEST(Nf4, EachWeightGetsTheNearestLevel) {
  Random random(3);
  std::vector<float> x(kNf4Block * 8);
  for (float& value : x) value = random.gauss();
  std::fill_n(x.begin() + kNf4Block, kNf4Block, 0.0f);  // a block of zeros stays one
  std::vector<float> scales(8);
  nf4_scales(x.data(), static_cast<int64_t>(x.size()), scales.data());
  std::vector<float> out(x.size());
  nf4_round_trip(x.data(), static_cast<int64_t>(x.size()), scales.data(), scales.data(), out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const float scale = scales[i / kNf4Block];
    float best = std::numeric_limits<float>::infinity();
    for (const float level : kNf4Levels) best = std::min(best, std::abs(level * scale - x[i]));
    EXPECT_NEAR(std::abs(out[i] - x[i]), best, 1e-6f) << i;
  }
  EXPECT_EQ(scales[1], 0);
  EXPECT_EQ(out[kNf4Block], 0);
}

TEST(Nf4, DoubleQuantizationIsWithinHalfAStepOfEachGroup) {
  Random random(4);
  std::vector<float> scales(kNf4Group * 2 + 10);
  for (float& scale : scales) scale = 1 + random.uniform();
  std::fill_n(scales.begin(), 5, 1.5f);
  const float mean = std::accumulate(scales.begin(), scales.end(), 0.0f) / static_cast<float>(scales.size());
  std::vector<float> stored(scales.size());
  nf4_store_scales(scales, mean, stored.data());
  for (size_t i = 0; i < scales.size(); ++i) EXPECT_NEAR(stored[i], scales[i], 0.5f / 127 / 2 * 1.2f) << i;
  const std::vector<float> equal(300, 2.0f);
  nf4_store_scales(equal, 2, stored.data());
  EXPECT_EQ(stored[299], 2);
}

const FormatError& format(const Analysis& analysis, std::string_view name) {
  const auto found = std::ranges::find(analysis.formats, name, &FormatError::name);
  EXPECT_NE(found, analysis.formats.end()) << name;
  return *found;
}

Result<Analysis> analyse_model(const test::ModelSpec& spec, size_t n_threads = 2,
                               const std::function<bool(size_t, size_t)>& progress = {}) {
  const TempFolder folder;
  DM_ASSIGN(const std::string path, test::write_model(spec, folder.path("m.gguf")));
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  ThreadTeam team(n_threads);
  return analyse(file, **kernels::kernel_table(kernels::best_isa()), team, progress);
}

TEST(Analyse, MoreBitsLoseLess) {
  const auto result = analyse_model({.type = TensorType::kF16, .n_embd = 512, .n_heads = 8});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const Analysis& analysis = *result;
  EXPECT_EQ(analysis.n_tensors, 2 * 7 + 1);
  EXPECT_TRUE(std::ranges::is_sorted(analysis.formats, std::greater(), &FormatError::relative_rms));
  EXPECT_EQ(format(analysis, "F16").relative_rms, 0);
  const char* const order[] = {"Q8_0", "Q6_K", "Q5_K", "Q4_K"};
  for (size_t i = 0; i + 1 < std::size(order); ++i) {
    EXPECT_LT(format(analysis, order[i]).relative_rms, format(analysis, order[i + 1]).relative_rms);
    EXPECT_GT(format(analysis, order[i]).bits_per_weight, format(analysis, order[i + 1]).bits_per_weight);
  }
  EXPECT_LT(format(analysis, "Q4_K").relative_rms, format(analysis, "Q4_0").relative_rms);
  for (const FormatError& one : analysis.formats) {
    const double n_bits = static_cast<double>(one.n_bytes) * 8;
    EXPECT_NEAR(n_bits / static_cast<double>(analysis.n_weights), one.bits_per_weight, 1e-3);
    EXPECT_GE(one.worst_relative_rms, one.relative_rms) << one.name;
    EXPECT_FALSE(one.worst_tensor.empty());
    EXPECT_LE(one.largest_error, 0.25) << one.name;
    EXPECT_EQ(one.in_gguf, !one.name.starts_with("NF4"));
  }
}

TEST(Analyse, Nf4OfNormalWeightsIsNearItsTheory) {
  // Its error on normal weights in blocks of 64 is between those of 4 and 3.3 bits of an ideal quantizer; double
  // quantization adds next to nothing to it.
  const auto result = analyse_model({.type = TensorType::kF32, .n_embd = 512, .n_heads = 8});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const FormatError& plain = format(*result, "NF4");
  const FormatError& twice = format(*result, "NF4 + double quantization");
  EXPECT_GT(plain.relative_rms, 0.07);
  EXPECT_LT(plain.relative_rms, 0.11);
  EXPECT_GE(twice.relative_rms, plain.relative_rms * 0.999);
  EXPECT_LE(twice.relative_rms, plain.relative_rms * 1.01);
  EXPECT_LT(twice.n_bytes, plain.n_bytes);
}

TEST(Analyse, AMixIsBetweenItsTypes) {
  const auto result = analyse_model({.type = TensorType::kF16, .n_layers = 4});
  ASSERT_TRUE(result.ok());
  EXPECT_GT(format(*result, "q4_k_m").relative_rms, format(*result, "Q6_K").relative_rms);
  EXPECT_LT(format(*result, "q4_k_m").relative_rms, format(*result, "Q4_K").relative_rms);
  EXPECT_GT(format(*result, "q4_k_m").bits_per_weight, 4.5);
  EXPECT_LT(format(*result, "q4_k_m").relative_rms, format(*result, "q4_k_s").relative_rms);
}

TEST(Analyse, TheSumsDoNotDependOnTheThreads) {
  const test::ModelSpec spec{.type = TensorType::kF16, .n_layers = 1, .n_vocab = 1'000};
  const auto one = analyse_model(spec, 1);
  const auto three = analyse_model(spec, 3);
  ASSERT_TRUE(one.ok() && three.ok());
  for (size_t i = 0; i < one->formats.size(); ++i) {
    EXPECT_NEAR(one->formats[i].relative_rms, three->formats[i].relative_rms, 1e-9);
    EXPECT_EQ(one->formats[i].largest_error, three->formats[i].largest_error);
  }
}

TEST(Analyse, RowsThatBlocksDoNotFillAreSkippedInAllFormats) {
  const auto result =
      analyse_model({.architecture = test::Architecture::kLlama, .type = TensorType::kF16, .n_ff = 344});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->n_tensors, 2 * 6 + 1);  // all but ffn_down
  const auto none =
      analyse_model({.type = TensorType::kF16, .n_embd = 160, .n_ff = 320, .n_heads = 2, .n_kv_heads = 2});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kUnsupported);
}

TEST(Analyse, CanBeStopped) {
  int n_calls = 0;
  const auto stopped = analyse_model({.type = TensorType::kF16}, 2, [&](size_t done, size_t total) {
    EXPECT_LE(done, total);
    return ++n_calls < 3;
  });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(n_calls, 3);
}

TEST(Analyse, JsonNamesEveryFormat) {
  const auto result = analyse_model({.type = TensorType::kQ8_0, .n_layers = 1});
  ASSERT_TRUE(result.ok());
  const json::object out = analysis_to_json(*result);
  EXPECT_EQ(out.at("formats").as_array().size(), result->formats.size());
  EXPECT_EQ(out.at("formats").as_array()[0].as_object().at("name").as_string(), result->formats[0].name);
}

}  // namespace
}  // namespace docmind::quantize
