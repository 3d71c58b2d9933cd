// Calibrator: decides which near questions may share an answer, under a bound on wrong hits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/question_guards.h"

namespace docmind::cache {

// What is known of a would-be hit before it is served.
struct HitFeatures {
  double similarity = 0;         // of the two questions' vectors
  double margin = 0;             // its closeness() less the best of another answer's candidate, >= 0
  double word_overlap = 0;       // see GuardVerdict
  double length_ratio = 0;
  double evidence_agreement = -1;  // 0..1: how well what is retrieved now agrees with what was; -1: unknown
  uint8_t guards_fired = 0;      // bits as in GuardVerdict
  TextLikeness likeness;         // as in GuardVerdict
  bool operator==(const HitFeatures&) const = default;
};

// What is known before the evidence and the other candidates are.
[[nodiscard]] inline HitFeatures features_of(double similarity, const GuardVerdict& wording) {
  return {.similarity = similarity,
          .margin = 0,
          .word_overlap = wording.word_overlap,
          .length_ratio = wording.length_ratio,
          .evidence_agreement = -1,
          .guards_fired = wording.fired,
          .likeness = wording.likeness};
}

// A judged would-be hit.
struct Observation {
  enum class Source : uint8_t { kPair, kAudit, kFeedback };
  int64_t entry_id = 0;  // of the answer directory; 0: none (a labelled pair)
  HitFeatures features;
  bool same = false;     // the cached answer was right for the question
  Source source = Source::kPair;
  int64_t at_unix_ms = 0;
  bool operator==(const Observation&) const = default;
};

struct CalibratorOptions {
  double max_wrong_share = 0.01;  // among hits
  double confidence = 0.95;       // that the share stays below it
  size_t n_recent = 200;          // newest audits and feedbacks, which alone can make it back off
  size_t n_refit = 50;            // fits anew after so many observations, or a twentieth more
};

// A point of the curve of precision against hit rate.
struct CurvePoint {
  double threshold = 0;   // least probability of being right that is served
  double hit_rate = 0;    // served over observed
  double wrong_share = 0; // wrong over served
  double upper_bound = 1; // of the wrong share, at the confidence
};

struct CalibrationReport {
  size_t n_observations = 0;
  size_t n_wrong = 0;
  std::optional<double> threshold;  // none: the evidence does not permit a single hit
  double hit_rate = 0;              // of the observations, at that threshold
  double wrong_share = 0;
  double upper_bound = 1;
  bool backed_off = false;          // recent hits were wrong too often
  std::vector<CurvePoint> curve;
};

// One pooled model over all entries gives the probability that a would-be hit is right; an entry's own
// observations refine it; a threshold on it is chosen such that a finite-sample upper bound on the
// share of wrong hits stays below the limit.
//
// - Model: logistic regression on the features of hit_vector.h with a ridge, by Newton's method, over
//   the newest 12,000 observations of all sources. An entry with observations of its own adds to the
//   pooled log-odds the most likely correction under a normal prior of variance 1 around 0.
// - Threshold: every observation is scored by a model (and corrections) fitted without its fifth of the
//   data, so no label judges itself (cross-fitting). Over these scores thresholds are tested in a fixed
//   sequence (Angelopoulos et al., "Learn then test", 2021; threshold_choice.h). The bound is on the
//   share among as many further hits as were served in the sample, not only on the true share (Clopper
//   and Pearson 1934), since whoever checks the promise counts a finite sample too (binomial_bound.h).
//   It assumes that the observations and what follows are alike; scores of five models stand for those
//   of the final one, which is why bench/semantic_quality.py checks the promise on halves not learned from.
// - Sources: labelled pairs and audits count alike. Feedback comes for served hits alone and more from
//   the discontent, so it teaches the model, refines its entry and can make it back off, but is not
//   among what the bound is tested on.
// - Backing off: the newest n_recent audits and feedbacks are tested in sequence against the limit
//   (back_off.h). While they contradict it the threshold is raised, or nothing is served. Audits have to
//   go on then, of all would-be hits and not of served ones alone, or nothing could lift it.
//
// Without enough evidence nothing is served: 400 served observations without one wrong are the least
// for 1% at 95%, 80 for 5%. Any number of threads may call probability() and serves() while others add;
// a fit takes milliseconds for hundreds of observations and seconds for 12,000, in the thread that adds.
class Calibrator {
 public:
  explicit Calibrator(const CalibratorOptions& options);
  ~Calibrator();

  void add(const Observation& observation);
  void add(std::span<const Observation> observations);
  // Fits to everything added so far; add() does so by itself every n_refit.
  void fit();
  // Forgets what an entry's own observations said; the pool keeps them.
  void forget_entry(int64_t entry_id);

  // That the cached answer is right, 0..1.
  [[nodiscard]] double probability(const HitFeatures& features, int64_t entry_id) const;
  [[nodiscard]] bool serves(const HitFeatures& features, int64_t entry_id) const;
  [[nodiscard]] CalibrationReport report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::cache
