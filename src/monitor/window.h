// WindowedMetrics: what the metrics counted in the last minute, for statistics of now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "monitor/metrics.h"

namespace docmind::monitor {

// Keeps the differences between readings of the metrics' histograms, of the filled buckets only:
// recording costs nothing more, a reading about 30 us, memory two or three hundred KiB and 8 bytes for
// each bucket that a reading found grown. update() is for one thread, the others are for any.
class WindowedMetrics {
 public:
  // What `metrics` (borrowed) holds already is not in the window.
  explicit WindowedMetrics(const Metrics& metrics, int64_t window_ms = 60'000);

  // Takes a reading and forgets those that left the window; call about once a second. `now_ms` is on a
  // steady clock.
  void update(int64_t now_ms);

  // Of the window up to the last update; minimum, maximum and percentiles within 3%.
  [[nodiscard]] HistogramSummary summary(Stage stage) const;
  [[nodiscard]] uint64_t count(Counter counter) const;
  // count() divided by the time that the window covers; 0 before the second update.
  [[nodiscard]] double per_second(Counter counter) const;
  // At most window_ms; less while the window fills.
  [[nodiscard]] int64_t covered_ms() const;

 private:
  struct Growth {
    uint16_t stage = 0;
    uint16_t bucket = 0;
    uint32_t n = 0;
  };
  struct Reading {
    int64_t from_ms = 0, to_ms = 0;
    std::vector<Growth> buckets;
    std::array<double, kStageCount> sums_ms{};
    std::array<uint64_t, kCounterCount> counters{};
  };
  struct Totals {
    std::array<Histogram::Counts, kStageCount> counts{};
    std::array<double, kStageCount> sums_ms{};
    std::array<uint64_t, kCounterCount> counters{};
  };
  Reading read();
  int64_t covered_locked_ms() const;
  uint64_t count_locked(Counter counter) const;

  const Metrics& metrics_;
  const int64_t window_ms_;
  std::unique_ptr<Totals> last_;  // used by update() only
  int64_t last_ms_ = -1;
  mutable std::mutex mutex_;
  std::deque<Reading> readings_;
};

}  // namespace docmind::monitor
