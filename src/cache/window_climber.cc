// WindowClimber: finds the share of a W-TinyLFU cache that its window should have.
// SPDX-License-Identifier: Apache-2.0
#include "cache/window_climber.h"

#include <algorithm>
#include <cmath>

namespace docmind::cache {
namespace {

constexpr double kStepGrowth = 1.5;    // after a step that helped
constexpr double kStepCut = 0.5;       // after one that hurt
constexpr double kStepWidening = 1.2;  // after one that made no difference: too small to tell
constexpr int kMostRests = 3;  // samples between steps, where steps fail in both directions
constexpr double kLeastStep = 0.004;
constexpr double kMostStep = 0.125;
constexpr double kJump = 0.05;             // of the hit ratio
constexpr double kChanceDeviations = 2;  // a change within so many is taken for chance

}  // namespace

void WindowClimber::report(uint64_t n_hits, uint64_t n_requests, uint64_t sample) {
  std::lock_guard lock(mutex_);
  n_hits_ += n_hits;
  n_requests_ += n_requests;
  if (n_requests_ < sample) return;
  const auto n = static_cast<double>(n_requests_);
  take_sample(static_cast<double>(n_hits_) / n, n);
  n_hits_ = 0;
  n_requests_ = 0;
}

void WindowClimber::take_sample(double ratio, double n_requests) {
  const double change = ratio - kept_ratio_;
  if (!trying_) {
    if (kept_ratio_ >= 0 && std::abs(change) >= kJump) {
      step_ = kFirstStep;
      n_failed_ = 0;
      n_rests_ = 0;
    }
    kept_ratio_ = ratio;
    if (n_rests_ == 0) return try_step();
    --n_rests_;
    return;
  }
  // Of the difference of two samples' ratios, were the requests independent.
  const double deviation = std::sqrt(2 * ratio * (1 - ratio) / n_requests);
  const bool by_chance = std::abs(change) <= kChanceDeviations * deviation;
  const bool better = change >= 0 && (!by_chance || !grows_);
  if (by_chance) {
    step_ = std::max(step_, std::min(step_ * kStepWidening, kFirstStep));
  } else {
    step_ *= better ? kStepGrowth : kStepCut;
  }
  step_ = std::clamp(step_, kLeastStep, kMostStep);
  if (better) {
    kept_share_ = share();
    kept_ratio_ = ratio;
    n_failed_ = 0;
    return try_step();
  }
  ++n_failed_;
  n_rests_ = std::min(n_failed_ / 2, kMostRests);
  share_.store(kept_share_, std::memory_order_relaxed);
  trying_ = false;
  grows_ = !grows_;
}

void WindowClimber::try_step() {
  if (kept_share_ <= kLeastShare) grows_ = true;
  if (kept_share_ >= kMostShare) grows_ = false;
  const double next = kept_share_ + (grows_ ? step_ : -step_);
  share_.store(std::clamp(next, kLeastShare, kMostShare), std::memory_order_relaxed);
  trying_ = true;
}

}  // namespace docmind::cache
