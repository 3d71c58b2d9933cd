// SchedulerStats: what the scheduler does and has done.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler_stats.h"

#include <algorithm>
#include <cmath>

namespace docmind::engine {
namespace {

constexpr size_t kNDepartures = 16;
constexpr int64_t kUnknownMs = 1'000;
constexpr double kLeastMs = 10, kMostMs = 60'000;

}  // namespace

void SchedulerMeter::publish() {
  const std::lock_guard lock(mutex_);
  published_ = counts;
}

void SchedulerMeter::note_busy(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  departures_.assign(1, now);
}

void SchedulerMeter::note_departure(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  departures_.push_back(now);
  if (departures_.size() > kNDepartures) departures_.pop_front();
}

SchedulerStats SchedulerMeter::snapshot() const {
  SchedulerStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = published_;
  }
  stats.n_submitted = n_submitted.load();
  stats.n_refused = n_refused.load();
  stats.n_queued = n_waiting.load();
  stats.between_tokens = between_tokens.summary();
  stats.first_token = first_token.summary();
  stats.queue_wait = queue_wait.summary();
  return stats;
}

// Up to now and not to the last one, so that it grows when nobody leaves any more.
int64_t SchedulerMeter::retry_after_ms(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  if (departures_.size() < 2) return kUnknownMs;
  const double each = ms_between(departures_.front(), now) / static_cast<double>(departures_.size() - 1);
  return static_cast<int64_t>(std::ceil(std::clamp(each, kLeastMs, kMostMs)));
}

}  // namespace docmind::engine
