// SchedulerStats: what the scheduler does and has done.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler_stats.h"

#include <algorithm>
#include <cmath>

namespace docmind::engine {
namespace {

constexpr double kNewest = 0.2;  // share of the newest interval in the average
constexpr double kUnknownMs = 1'000;
constexpr double kLeastMs = 10, kMostMs = 60'000;

}  // namespace

void SchedulerMeter::publish() {
  const std::lock_guard lock(mutex_);
  published_ = counts;
}

void SchedulerMeter::note_departure(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (last_departure_ != SteadyTime{}) {
    const double interval = ms_between(last_departure_, now);
    departure_ms_ = departure_ms_ == 0 ? interval : departure_ms_ + kNewest * (interval - departure_ms_);
  }
  last_departure_ = now;
}

SchedulerStats SchedulerMeter::snapshot() const {
  SchedulerStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = published_;
  }
  stats.n_submitted = n_submitted.load();
  stats.n_refused = n_refused.load();
  stats.between_tokens = between_tokens.summary();
  stats.first_token = first_token.summary();
  stats.queue_wait = queue_wait.summary();
  return stats;
}

int64_t SchedulerMeter::retry_after_ms(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  double wait = departure_ms_ == 0 ? kUnknownMs : departure_ms_;
  // When nobody has left for longer than usual, it is slower now.
  if (departure_ms_ > 0) wait = std::max(wait, ms_between(last_departure_, now));
  return static_cast<int64_t>(std::ceil(std::clamp(wait, kLeastMs, kMostMs)));
}

}  // namespace docmind::engine
