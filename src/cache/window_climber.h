// WindowClimber: finds the share of a W-TinyLFU cache that its window should have.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace docmind::cache {

// Hill climbing (Einziger, Eytan, Friedman, Manes 2018): a sample of requests with the window as it
// is, then one with the window a step larger or smaller; the better size is kept. A larger window must
// be better by more than chance explains, as a small one is best for most work. Steps grow while they
// help, shrink and become rare when they hurt, and start anew after the hit ratio jumped by itself,
// for then the work has changed. All shards of a tier share one climber: the samples of one would
// tell more about chance than about the window. May be called from several threads at once.
class WindowClimber {
 public:
  static constexpr double kLeastShare = 0.01;
  static constexpr double kMostShare = 0.8;

  // Of the limit; the rest is the main part.
  [[nodiscard]] double share() const { return share_.load(std::memory_order_relaxed); }
  // Counts requests to full shards; `sample`: how many make up a sample.
  void report(uint64_t n_hits, uint64_t n_requests, uint64_t sample);

 private:
  void take_sample(double ratio, double n_requests);
  void try_step();

  static constexpr double kFirstStep = 0.0625;

  std::atomic<double> share_{kLeastShare};
  std::mutex mutex_;
  uint64_t n_hits_ = 0;
  uint64_t n_requests_ = 0;
  double kept_share_ = kLeastShare;
  double kept_ratio_ = -1;  // with that share; below 0: not measured yet
  double step_ = kFirstStep;
  bool grows_ = true;    // the direction of the next or the present step
  int n_failed_ = 0;     // steps, since the last that helped
  int n_rests_ = 0;      // samples before the next step
  bool trying_ = false;  // share_ is a step away from kept_share_
};

}  // namespace docmind::cache
