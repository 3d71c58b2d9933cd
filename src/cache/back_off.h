// RecentHits: notices when the newest served hits contradict the promised bound.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

namespace docmind::cache {

// Keeps the newest judged hits. One thread at a time.
class RecentHits {
 public:
  RecentHits(size_t n_kept, double limit, double confidence)
      : n_kept_(n_kept), limit_(limit), confidence_(confidence) {}

  void add(double log_odds, bool wrong);

  // The least threshold of the grid at or above `wanted` (log-odds) that the kept hits do not
  // contradict; nullopt when they contradict all that serve any of them.
  //
  // A threshold is contradicted when the likelihood ratio of a higher share of wrong hits (twice, four
  // and eight times the limit, mixed alike) against the limit itself, over the hits that it serves,
  // reaches 1 / (1 - confidence). While the true share is at the limit or below, that happens at any
  // time of one sequence with a chance of 1 - confidence at most (Ville 1939; Wald's sequential test).
  // Older hits leave, so new good ones lift the objection; each window is a sequence of its own, so
  // over a long time false alarms come more often than that.
  [[nodiscard]] std::optional<double> permitted(double wanted) const;

 private:
  struct Hit {
    double log_odds = 0;
    bool wrong = false;
  };
  [[nodiscard]] bool contradicted(double threshold, bool& serves_any) const;

  size_t n_kept_;
  double limit_;
  double confidence_;
  std::deque<Hit> hits_;
};

}  // namespace docmind::cache
