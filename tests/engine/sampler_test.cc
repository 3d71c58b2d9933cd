// Sampler: exactly the tokens that the options allow, in the right shares, the same for the same seed.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "engine/engine_test_support.h"
#include "engine/sampler.h"

namespace docmind::engine {
namespace {

std::vector<float> random_logits(size_t n, uint64_t seed) {
  std::vector<float> logits;
  for (size_t i = 0; i < n; ++i) {
    uint64_t x = (seed + i) * 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 32;
    logits.push_back(static_cast<float>(x % 20'001) / 1'000.0f - 10.0f);
  }
  return logits;
}

// The set that the three cuts leave, straight from their definitions, in double.
std::set<TokenId> naive_set(const std::vector<float>& logits, const SamplingOptions& options) {
  std::vector<TokenId> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  if (options.top_k > 0 && options.top_k < order.size()) order.resize(options.top_k);
  const double best = logits[static_cast<size_t>(order[0])];
  const auto weight = [&](TokenId token) { return std::exp(logits[static_cast<size_t>(token)] - best); };
  double total = 0;
  for (const TokenId token : order) total += weight(token);
  double sum = 0;
  std::set<TokenId> kept;
  for (const TokenId token : order) {
    const bool enough = options.top_p < 1 && sum >= options.top_p * total;
    if (!kept.empty() && (enough || weight(token) < options.min_p)) break;
    kept.insert(token);
    sum += weight(token);
  }
  return kept;
}

std::set<TokenId> candidates_of(const Sampler& sampler) {
  std::set<TokenId> tokens;
  for (const Sampler::Candidate& candidate : sampler.candidates()) tokens.insert(candidate.token);
  return tokens;
}

TEST(SamplerProperties, CutsLeaveExactlyTheSetsOfTheirDefinitions) {
  EXPECT_TRUE(rc::check("the candidates", [] {
    SamplingOptions options;
    options.temperature = 1;
    options.top_k = *rc::gen::weightedElement<size_t>({{3, 0}, {1, 1}, {2, 7}, {2, 200}, {1, 100'000}});
    options.top_p = *rc::gen::element(1.0, 0.0, 0.1, 0.5, 0.9, 0.999);
    options.min_p = *rc::gen::element(0.0, 0.001, 0.05, 0.5, 1.0);
    const auto n = *rc::gen::element<size_t>(1, 5, 129, 3'000);
    std::vector<float> logits = random_logits(n, *rc::gen::arbitrary<uint64_t>());
    // Flat distributions need far more tokens for their share than the first selection has.
    const float spread = *rc::gen::element(1.0f, 0.01f, 0.0f);
    for (float& logit : logits) logit *= spread;
    const std::set<TokenId> expected = naive_set(logits, options);
    Sampler sampler(options, n);
    const TokenId token = must(sampler.sample(logits));
    // A share that rounding decides may fall to either side.
    const std::set<TokenId> got = candidates_of(sampler);
    const size_t larger = std::max(got.size(), expected.size());
    RC_ASSERT(larger - std::min(got.size(), expected.size()) <= 1U);
    RC_ASSERT(std::includes(got.begin(), got.end(), expected.begin(), expected.end()) ||
              std::includes(expected.begin(), expected.end(), got.begin(), got.end()));
    RC_ASSERT(got.contains(token));
  }));
}

TEST(Sampler, TakesTheLikeliestAtTemperatureZeroTheFirstOfEquals) {
  Sampler sampler({}, 5);
  std::vector<float> logits{1, 7, 3, 7, 2};
  EXPECT_EQ(must(sampler.sample(logits)), 1);
  std::vector<float> low{-5, -3, -4, -3, -9};
  EXPECT_EQ(must(sampler.sample(low)), 1);
}

TEST(Sampler, DrawsInTheSharesOfTheTemperature) {
  const std::vector<float> logits{0.0f, std::log(2.0f), std::log(5.0f), -100.0f};
  constexpr int kDraws = 20'000;
  for (const double temperature : {1.0, 0.5}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.seed = 7;
    Sampler sampler(options, logits.size());
    std::vector<int> counts(logits.size());
    for (int i = 0; i < kDraws; ++i) {
      std::vector<float> row = logits;
      ++counts[static_cast<size_t>(must(sampler.sample(row)))];
    }
    const double weights[] = {1, std::pow(2, 1 / temperature), std::pow(5, 1 / temperature)};
    const double total = weights[0] + weights[1] + weights[2];
    for (size_t i = 0; i < 3; ++i) {
      // Five standard deviations are at most 0.018.
      EXPECT_NEAR(static_cast<double>(counts[i]) / kDraws, weights[i] / total, 0.02) << i;
    }
    EXPECT_EQ(counts[3], 0);
  }
}

std::vector<TokenId> draw(uint64_t seed, int n) {
  SamplingOptions options;
  options.temperature = 1;
  options.seed = seed;
  Sampler sampler(options, 1'000);
  std::vector<TokenId> tokens;
  for (int i = 0; i < n; ++i) {
    std::vector<float> logits(1'000, 0.0f);
    tokens.push_back(must(sampler.sample(logits)));
  }
  return tokens;
}

TEST(Sampler, TheSameSeedGivesTheSameTokensOnEveryPlatform) {
  EXPECT_EQ(draw(1, 50), draw(1, 50));
  EXPECT_NE(draw(1, 50), draw(2, 50));
  // With equal weights the token is the draw itself: SplitMix64 of the seed 0 begins e220a839...,
  // 6e789e6a..., 06c45d18... (Vigna's splitmix64.c).
  const std::vector<TokenId> first{0xe220a839LL * 1'000 >> 32, 0x6e789e6aLL * 1'000 >> 32,
                                   0x06c45d18LL * 1'000 >> 32};
  EXPECT_EQ(draw(0, 3), first);
}

TEST(Sampler, PenaltiesCountWhatTheWindowHolds) {
  SamplingOptions options;
  options.repetition_penalty = 2;
  options.presence_penalty = 0.5;
  options.frequency_penalty = 0.25;
  options.penalty_window = 3;
  Sampler sampler(options, 3);
  // Token 0 wins three times; each use lowers it: 9 / 2 - 0.5 - 0.25 * uses.
  for (int i = 0; i < 3; ++i) {
    std::vector<float> logits{9, 1, -4};
    EXPECT_EQ(must(sampler.sample(logits)), 0);
    if (i > 0) {
      EXPECT_FLOAT_EQ(logits[0], 4.5f - 0.5f - 0.25f * static_cast<float>(i));
      EXPECT_FLOAT_EQ(logits[1], 1);
    }
  }
  std::vector<float> other{1, 9, -4};
  EXPECT_EQ(must(sampler.sample(other)), 1);
  std::vector<float> negative{-4, -9, 9};
  EXPECT_EQ(must(sampler.sample(negative)), 2);
  EXPECT_FLOAT_EQ(negative[0], -8 - 0.5f - 0.5f) << "a negative logit is multiplied; two uses left";
  EXPECT_FLOAT_EQ(negative[1], -18 - 0.5f - 0.25f);
}

TEST(Sampler, ABiasForbidsOrForcesAToken) {
  SamplingOptions options;
  options.biases = {{0, -100}, {2, 3}, {99, 5}, {-1, 5}};
  Sampler sampler(options, 3);
  std::vector<float> logits{9, 1, 0};
  EXPECT_EQ(must(sampler.sample(logits)), 2);
}

TEST(Sampler, LogprobsAreTheModelsOwn) {
  SamplingOptions options;
  options.temperature = 0.1;
  options.top_k = 1;
  options.biases = {{3, 100}};
  options.n_top_logprobs = 2;
  Sampler sampler(options, 4);
  std::vector<float> logits{std::log(4.0f), std::log(3.0f), std::log(2.0f), std::log(1.0f)};
  EXPECT_EQ(must(sampler.sample(logits)), 3);
  EXPECT_NEAR(sampler.logprob(), std::log(0.1), 1e-6) << "before bias, cut and temperature";
  ASSERT_EQ(sampler.top_logprobs().size(), 2U);
  EXPECT_EQ(sampler.top_logprobs()[0].token, 0);
  EXPECT_NEAR(sampler.top_logprobs()[0].logprob, std::log(0.4), 1e-6);
  EXPECT_EQ(sampler.top_logprobs()[1].token, 1);
  EXPECT_NEAR(sampler.top_logprobs()[1].logprob, std::log(0.3), 1e-6);
}

TEST(Sampler, LeavesOutWhatIsNoNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  SamplingOptions options;
  for (const double temperature : {0.0, 1.0}) {
    for (const double top_p : {1.0, 0.99}) {
      options.temperature = temperature;
      options.top_p = top_p;
      options.n_top_logprobs = 5;
      Sampler sampler(options, 4);
      std::vector<float> logits{nan, -infinite, 1, infinite};
      EXPECT_EQ(must(sampler.sample(logits)), 2);
      EXPECT_NEAR(sampler.logprob(), 0, 1e-6);
      std::vector<float> none{nan, -infinite, nan, infinite};
      const Result<TokenId> refused = sampler.sample(none);
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().code, ErrorCode::kMalformed);
    }
  }
}

TEST(SamplingOptions, AreChecked) {
  EXPECT_TRUE(check(SamplingOptions{}).ok());
  SamplingOptions wrong;
  wrong.top_p = 1.5;
  const Status refused = check(wrong);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "top_p cannot be 1.5; allowed: 0 to 1");
  wrong = {};
  wrong.temperature = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(check(wrong).ok());
}

TEST(Sampler, LeavesOutWhatIsNotAllowed) {
  std::vector<float> logits = random_logits(130, 3);
  logits[70] = 50;  // the likeliest by far
  SamplingOptions options;
  options.n_top_logprobs = 1;
  options.biases = {{70, 100}};
  for (const double temperature : {0.0, 1.0}) {
    options.temperature = temperature;
    options.top_k = 3;
    Sampler sampler(options, logits.size());
    const uint64_t allowed[] = {uint64_t{1} << 5, 0, uint64_t{1} << 1};
    std::vector<float> row = logits;
    const TokenId token = must(sampler.sample(row, allowed));
    EXPECT_TRUE(token == 5 || token == 129) << token;
    EXPECT_EQ(sampler.top_logprobs()[0].token, 70);  // the model's own
    for (const Sampler::Candidate& one : sampler.candidates()) EXPECT_TRUE(one.token == 5 || one.token == 129);
    row = logits;
    EXPECT_EQ(sampler.sample(row, std::vector<uint64_t>{0}).error().code, ErrorCode::kMalformed);
  }
}

}  // namespace
}  // namespace docmind::engine
