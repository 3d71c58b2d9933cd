// Trends: a day of named values at falling resolution, in memory of a fixed size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace docmind::monitor {

// What a coarser point says of the finer ones in it.
enum class Fold { kMean, kMax };

struct TrendSeries {
  std::string name;
  Fold fold = Fold::kMean;
};

// Points of equal distance, oldest first. Every series has as many values as there are times; a value
// that was not measured is NaN.
struct TrendHistory {
  int64_t step_ms = 0;
  std::vector<int64_t> unix_ms;  // when each point begins
  std::vector<TrendSeries> series;
  std::vector<std::vector<double>> values;  // [series][point]
};

// 1 s for 15 minutes, 10 s for 2 hours, 1 minute for 24 hours: 3,060 points, 24 KiB a series, all of it
// allocated at once. Any thread may call any member; the lock is held for one addition a series, or
// while a history is copied.
class Trends {
 public:
  explicit Trends(std::vector<TrendSeries> series);

  // One measurement of everything, about once a second, in the order of the series; NaN: not measured.
  // `values` has one entry a series, missing ones count as NaN. When the clock was set back, what was
  // written of the time that is now to come is forgotten.
  void add(int64_t unix_ms, std::span<const double> values);

  // The last `window_ms` until the newest measurement, at the finest resolution that reaches so far
  // back (at most 24 h). Begins with the first point that was ever measured; empty when none was.
  [[nodiscard]] TrendHistory history(int64_t window_ms) const;

  [[nodiscard]] const std::vector<TrendSeries>& series() const { return series_; }

 private:
  // One resolution: point `slot` (time / step) stands at slot % size until another takes its place.
  struct Level {
    int64_t step_ms = 0;
    size_t size = 0;
    int64_t newest = -1;                // slot; -1: none
    int64_t oldest = -1;                // first slot ever written, or since the clock was set back
    std::vector<int64_t> slots;         // [size], -1: none
    std::vector<double> values;         // [size][series]
    std::vector<double> sums;           // [series], of the newest slot
    std::vector<int64_t> n_added;       // [series], of the newest slot
  };
  void open_slot(Level& level, int64_t slot) const;
  void fold_in(Level& level, std::span<const double> values) const;
  const Level& level_of(int64_t window_ms) const;

  const std::vector<TrendSeries> series_;
  mutable std::mutex mutex_;
  std::array<Level, 3> levels_;
};

}  // namespace docmind::monitor
