// WindowedMetrics: what the metrics counted in the last minute, for statistics of now.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/window.h"

#include <algorithm>
#include <limits>

namespace docmind::monitor {

WindowedMetrics::WindowedMetrics(const Metrics& metrics, int64_t window_ms)
    : metrics_(metrics), window_ms_(std::max<int64_t>(window_ms, 1)), last_(std::make_unique<Totals>()) {
  read();
}

// What has come since the last reading.
WindowedMetrics::Reading WindowedMetrics::read() {
  Reading reading;
  Histogram::Counts counts;
  for (size_t s = 0; s < kStageCount; ++s) {
    const Histogram& histogram = metrics_.histogram(static_cast<Stage>(s));
    histogram.copy_counts(counts);
    Histogram::Counts& last = last_->counts[s];
    for (size_t b = 0; b < counts.size(); ++b) {
      if (counts[b] == last[b]) continue;
      const uint64_t n = std::min<uint64_t>(counts[b] - last[b], std::numeric_limits<uint32_t>::max());
      reading.buckets.push_back({static_cast<uint16_t>(s), static_cast<uint16_t>(b), static_cast<uint32_t>(n)});
    }
    last = counts;
    const double sum_ms = histogram.sum_ms();
    reading.sums_ms[s] = sum_ms - last_->sums_ms[s];
    last_->sums_ms[s] = sum_ms;
  }
  for (size_t c = 0; c < kCounterCount; ++c) {
    const uint64_t value = metrics_.value(static_cast<Counter>(c));
    reading.counters[c] = value - last_->counters[c];
    last_->counters[c] = value;
  }
  return reading;
}

void WindowedMetrics::update(int64_t now_ms) {
  Reading reading = read();
  reading.from_ms = last_ms_ < 0 ? now_ms : last_ms_;
  reading.to_ms = now_ms;
  last_ms_ = now_ms;
  const std::lock_guard lock(mutex_);
  readings_.push_back(std::move(reading));
  while (readings_.size() > 1 && readings_.front().from_ms < now_ms - window_ms_) readings_.pop_front();
}

HistogramSummary WindowedMetrics::summary(Stage stage) const {
  const auto wanted = static_cast<uint16_t>(stage);
  const auto counts = std::make_unique<Histogram::Counts>();
  double sum_ms = 0;
  const std::lock_guard lock(mutex_);
  for (const Reading& reading : readings_) {
    sum_ms += reading.sums_ms[wanted];
    // Readings list their stages in order.
    auto at = std::ranges::lower_bound(reading.buckets, wanted, {}, &Growth::stage);
    for (; at != reading.buckets.end() && at->stage == wanted; ++at) (*counts)[at->bucket] += at->n;
  }
  return Histogram::summarize(*counts, sum_ms);
}

uint64_t WindowedMetrics::count_locked(Counter counter) const {
  uint64_t n = 0;
  for (const Reading& reading : readings_) n += reading.counters[static_cast<size_t>(counter)];
  return n;
}

int64_t WindowedMetrics::covered_locked_ms() const {
  return readings_.empty() ? 0 : readings_.back().to_ms - readings_.front().from_ms;
}

uint64_t WindowedMetrics::count(Counter counter) const {
  const std::lock_guard lock(mutex_);
  return count_locked(counter);
}

double WindowedMetrics::per_second(Counter counter) const {
  const std::lock_guard lock(mutex_);
  const int64_t covered_ms = covered_locked_ms();
  return covered_ms <= 0 ? 0 : static_cast<double>(count_locked(counter)) * 1'000.0 / static_cast<double>(covered_ms);
}

int64_t WindowedMetrics::covered_ms() const {
  const std::lock_guard lock(mutex_);
  return covered_locked_ms();
}

}  // namespace docmind::monitor
