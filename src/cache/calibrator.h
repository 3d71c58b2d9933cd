// Calibrator: decides which near questions may share an answer, under a bound on wrong hits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace docmind::cache {

// What is known of a would-be hit before it is served.
struct HitFeatures {
  double similarity = 0;         // of the two questions' vectors
  double margin = 0;             // to the second nearest entry that has another answer
  double word_overlap = 0;       // see GuardVerdict
  double length_ratio = 0;
  double evidence_agreement = -1;  // 0..1: how well what is retrieved now agrees with what was; -1: unknown
  uint8_t guards_fired = 0;      // bits as in GuardVerdict
  bool operator==(const HitFeatures&) const = default;
};

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
  size_t n_refit = 50;            // fits anew after so many observations
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

// One pooled model over all entries gives the probability that a would-be hit is right; an entry's
// own observations refine it; a threshold on it is chosen such that a finite-sample upper bound on
// the share of wrong hits stays below the limit (Angelopoulos et al., "Learn then test", 2021;
// Clopper and Pearson 1934). Any number of threads may call probability() and serves() while one adds.
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
