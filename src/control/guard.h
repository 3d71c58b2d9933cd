// Guard: what a rule remembers of its own moves, so that it does not swing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace docmind::control {

inline constexpr int64_t kNeverMs = std::numeric_limits<int64_t>::min() / 2;

// A rule tightens a setting when its signal (share of memory, latency) is high and relaxes it when the
// signal is low. Thresholds apart and a dwell time stop it from flickering, but not from a slow swing:
// tightening is what made the signal low. So each relaxation is a trial. If the rule has to tighten
// again although the demand has not grown, the trial failed, and the next one starts only from a lower
// signal or when the demand has fallen. On a steady load the trials are therefore finite in number.
class Guard {
 public:
  // `demand` counts requests, whatever the settings: answered, refused, waiting, running.
  void tightened(int64_t now_ms, double demand);
  void relaxed(int64_t now_ms, double signal, double demand);
  // `margin`: how much lower than the signal of a failed trial the next one must start.
  [[nodiscard]] bool may_relax(int64_t now_ms, double signal, double demand, double margin, int64_t dwell_ms);

  [[nodiscard]] int64_t since_tightened_ms(int64_t now_ms) const { return now_ms - tightened_ms_; }
  [[nodiscard]] int64_t since_relaxed_ms(int64_t now_ms) const { return now_ms - relaxed_ms_; }

 private:
  int64_t tightened_ms_ = kNeverMs;
  int64_t relaxed_ms_ = kNeverMs;
  bool on_trial_ = false;
  double tried_signal_ = 0, tried_demand_ = 0;
  double failed_signal_ = std::numeric_limits<double>::infinity();
  double failed_demand_ = 0;
};

// One step of shedding, so that it is taken back exactly.
struct ShedStep {
  bool of_rerank = false;  // else of the context
  int64_t before = 0;
};

// What the rules remember from one step to the next.
struct RuleStates {
  Guard level, batch, cache, admission, shed;
  int n_text_halvings = 0;        // of max_sequences
  int n_token_halvings = 0;       // of the batches counted in tokens
  double share_at_halving = 0;    // of memory used, at the last one
  double answers_per_ms = 0;      // capacity, measured while something waits; 0: not yet
  int64_t short_queue_since_ms = kNeverMs;  // nothing to speak of has waited since; kNeverMs: it does now
  double crowd = 0;                         // questions waiting and running, smoothed
  int64_t crowd_at_ms = kNeverMs;
  std::vector<ShedStep> shed_steps;
};

}  // namespace docmind::control
