// Calibrator: the promise about wrong hits on synthetic hits whose chance of being right is known.
// SPDX-License-Identifier: Apache-2.0
#include "cache/calibrator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

#include "cache/logistic_model.h"

namespace docmind::cache {
namespace {

using Random = std::mt19937_64;

// Similar texts are right more often, and a guard that fires makes a hit wrong nine times of ten.
Observation random_hit(Random& random, double noise = 0) {
  std::uniform_real_distribution<double> uniform;
  Observation hit;
  hit.features.similarity = 0.5 + 0.5 * uniform(random);
  hit.features.word_overlap = uniform(random);
  hit.features.length_ratio = 0.5 + 0.5 * uniform(random);
  hit.features.margin = 0.3 * uniform(random);
  const bool guard = uniform(random) < 0.3;
  hit.features.guards_fired = guard ? 1 : 0;
  const double log_odds =
      24 * (hit.features.similarity - 0.72) + 3 * hit.features.word_overlap - (guard ? 6 : 0);
  const double p = (1 - noise) * logistic(log_odds);
  hit.same = uniform(random) < p;
  return hit;
}

std::vector<Observation> random_hits(Random& random, size_t n, double noise = 0) {
  std::vector<Observation> hits;
  for (size_t i = 0; i < n; ++i) hits.push_back(random_hit(random, noise));
  return hits;
}

CalibratorOptions fitted_by_hand(double limit) {
  return {.max_wrong_share = limit, .confidence = 0.95, .n_recent = 200, .n_refit = 1'000'000};
}

struct Served {
  size_t n = 0;
  size_t n_wrong = 0;
  double wrong_share() const { return n > 0 ? static_cast<double>(n_wrong) / static_cast<double>(n) : 0; }
};

Served serve(const Calibrator& calibrator, const std::vector<Observation>& hits) {
  Served served;
  for (const Observation& hit : hits) {
    if (!calibrator.serves(hit.features, hit.entry_id)) continue;
    ++served.n;
    served.n_wrong += hit.same ? 0 : 1;
  }
  return served;
}

TEST(Calibrator, KeepsTheBoundOnTheOtherHalf) {
  constexpr double kLimit = 0.05;
  constexpr size_t kSplits = 20;
  constexpr size_t kHalf = 1000;
  size_t n_held = 0;
  size_t n_served = 0;
  for (size_t split = 0; split < kSplits; ++split) {
    Random random(split * 7 + 1);
    Calibrator calibrator(fitted_by_hand(kLimit));
    calibrator.add(random_hits(random, kHalf));
    calibrator.fit();
    const Served served = serve(calibrator, random_hits(random, kHalf));
    n_held += served.wrong_share() <= kLimit ? 1 : 0;
    n_served += served.n;
  }
  EXPECT_GE(n_held, kSplits - 1);
  EXPECT_GT(n_served, kSplits * kHalf / 10);  // and it does serve
}

TEST(Calibrator, ServesNothingOnThinOrHopelessEvidence) {
  Random random(3);
  Calibrator none(fitted_by_hand(0.01));
  EXPECT_FALSE(none.serves(random_hit(random).features, 0));
  EXPECT_FALSE(none.report().threshold);
  none.fit();
  EXPECT_FALSE(none.serves(random_hit(random).features, 0));

  Calibrator thin(fitted_by_hand(0.01));
  std::vector<Observation> right = random_hits(random, 300);
  for (Observation& hit : right) hit.same = true;
  thin.add(right);
  thin.fit();
  EXPECT_FALSE(thin.report().threshold);  // none wrong of 300 may still mean 4 wrong of the next

  Calibrator hopeless(fitted_by_hand(0.05));
  hopeless.add(random_hits(random, 1500, 0.3));
  hopeless.fit();
  EXPECT_FALSE(hopeless.report().threshold);
  EXPECT_EQ(serve(hopeless, right).n, 0U);
}

TEST(Calibrator, ServesMoreUnderALooserBound) {
  Random random(5);
  const auto hits = random_hits(random, 1500);
  const auto others = random_hits(random, 1000);
  size_t before = 0;
  for (const double limit : {0.05, 0.1, 0.3}) {
    Calibrator calibrator(fitted_by_hand(limit));
    calibrator.add(hits);
    calibrator.fit();
    const size_t n = serve(calibrator, others).n;
    EXPECT_GE(n, before);
    before = n;
    const CalibrationReport report = calibrator.report();
    ASSERT_TRUE(report.threshold);
    EXPECT_LE(report.upper_bound, limit);
    EXPECT_LE(report.wrong_share, report.upper_bound);
    EXPECT_EQ(report.n_observations, 1500U);
  }
}

TEST(Calibrator, ProbabilityFollowsTheFeatures) {
  Random random(7);
  Calibrator calibrator(fitted_by_hand(0.05));
  calibrator.add(random_hits(random, 1500));
  calibrator.fit();
  HitFeatures near{.similarity = 0.95, .margin = 0.1, .word_overlap = 0.9, .length_ratio = 0.9,
                   .evidence_agreement = -1, .guards_fired = 0, .likeness = {}};
  HitFeatures far = near;
  far.similarity = 0.6;
  HitFeatures guarded = near;
  guarded.guards_fired = 1;
  EXPECT_GT(calibrator.probability(near, 0), calibrator.probability(far, 0) + 0.3);
  EXPECT_GT(calibrator.probability(near, 0), calibrator.probability(guarded, 0) + 0.03);
  HitFeatures strange = near;
  strange.similarity = std::nan("");
  strange.margin = INFINITY;
  EXPECT_TRUE(std::isfinite(calibrator.probability(strange, 0)));
}

TEST(Calibrator, AnEntrysOwnObservationsRefineIt) {
  Random random(11);
  Calibrator calibrator(fitted_by_hand(0.05));
  auto hits = random_hits(random, 1500);
  HitFeatures good = random_hit(random).features;
  good.similarity = 0.85;
  good.word_overlap = 0.7;
  good.guards_fired = 0;
  for (int i = 0; i < 4; ++i) {
    hits.push_back({.entry_id = 42, .features = good, .same = false,
                    .source = Observation::Source::kAudit, .at_unix_ms = 0});
  }
  calibrator.add(hits);
  calibrator.fit();
  const double pooled = calibrator.probability(good, 7);
  EXPECT_LT(calibrator.probability(good, 42), pooled - 0.05);
  calibrator.forget_entry(42);
  EXPECT_DOUBLE_EQ(calibrator.probability(good, 42), pooled);
  calibrator.fit();
  EXPECT_DOUBLE_EQ(calibrator.probability(good, 42), calibrator.probability(good, 7));
}

TEST(Calibrator, BacksOffWhenRecentHitsAreWrongAndReturns) {
  Random random(13);
  Calibrator calibrator(fitted_by_hand(0.05));
  calibrator.add(random_hits(random, 1500));
  calibrator.fit();
  const auto probes = random_hits(random, 500);
  const size_t before = serve(calibrator, probes).n;
  ASSERT_GT(before, 0U);
  EXPECT_FALSE(calibrator.report().backed_off);
  const auto audit = [&](bool same) {
    Observation hit;
    do {
      hit = random_hit(random);
    } while (hit.features.similarity < 0.9 || hit.features.guards_fired != 0);
    hit.same = same;
    hit.source = Observation::Source::kAudit;
    calibrator.add(hit);
  };
  for (int i = 0; i < 20; ++i) audit(false);
  EXPECT_TRUE(calibrator.report().backed_off);
  EXPECT_LT(serve(calibrator, probes).n, before);
  for (int i = 0; i < 400; ++i) audit(true);
  EXPECT_FALSE(calibrator.report().backed_off);
  EXPECT_EQ(serve(calibrator, probes).n, before);
}

TEST(Calibrator, RareWrongAuditsDoNotMakeItBackOff) {
  Random random(17);
  Calibrator calibrator(fitted_by_hand(0.05));
  calibrator.add(random_hits(random, 1500));
  calibrator.fit();
  for (int i = 0; i < 300; ++i) {
    Observation hit = random_hit(random);
    hit.source = Observation::Source::kAudit;
    calibrator.add(hit);
    EXPECT_FALSE(calibrator.report().backed_off) << i;
  }
}

TEST(Calibrator, RefitsByItself) {
  Random random(19);
  Calibrator calibrator({.max_wrong_share = 0.1, .confidence = 0.95, .n_recent = 200, .n_refit = 50});
  for (int i = 0; i < 700; ++i) calibrator.add(random_hit(random));
  EXPECT_TRUE(calibrator.report().threshold);
}

TEST(Calibrator, AnyNumberOfReadersWhileOneAdds) {
  Random random(23);
  Calibrator calibrator({.max_wrong_share = 0.1, .confidence = 0.95, .n_recent = 50, .n_refit = 20});
  const auto probes = random_hits(random, 50);
  std::vector<std::jthread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        for (const Observation& probe : probes) {
          const double p = calibrator.probability(probe.features, 1);
          ASSERT_TRUE(p >= 0 && p <= 1);
          (void)calibrator.serves(probe.features, 1);
        }
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Observation hit = random_hit(random);
    hit.entry_id = 1 + i % 3;
    calibrator.add(hit);
    if (i % 40 == 0) calibrator.forget_entry(1);
  }
}

}  // namespace
}  // namespace docmind::cache
