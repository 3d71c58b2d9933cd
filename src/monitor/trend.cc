// Trends: a day of named values at falling resolution, in memory of a fixed size.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/trend.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace docmind::monitor {
namespace {

constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

struct Resolution {
  int64_t step_ms;
  size_t n_points;
};
constexpr std::array<Resolution, 3> kResolutions = {{{1'000, 900}, {10'000, 720}, {60'000, 1'440}}};

}  // namespace

Trends::Trends(std::vector<TrendSeries> series) : series_(std::move(series)) {
  for (size_t i = 0; i < levels_.size(); ++i) {
    Level& level = levels_[i];
    level.step_ms = kResolutions[i].step_ms;
    level.size = kResolutions[i].n_points;
    level.slots.assign(level.size, -1);
    level.values.assign(level.size * series_.size(), kNotMeasured);
    level.sums.assign(series_.size(), 0);
    level.n_added.assign(series_.size(), 0);
  }
}

// Makes `slot` the newest one, with nothing measured in it.
void Trends::open_slot(Level& level, int64_t slot) const {
  if (slot < level.newest) {  // the clock was set back
    for (int64_t& old : level.slots) {
      if (old > slot) old = -1;
    }
    if (level.oldest > slot) level.oldest = slot;
  }
  if (level.oldest < 0) level.oldest = slot;
  level.newest = slot;
  const size_t at = static_cast<size_t>(slot) % level.size;
  level.slots[at] = slot;
  std::fill_n(level.values.begin() + static_cast<ptrdiff_t>(at * series_.size()), series_.size(), kNotMeasured);
  std::fill(level.sums.begin(), level.sums.end(), 0.0);
  std::fill(level.n_added.begin(), level.n_added.end(), 0);
}

void Trends::fold_in(Level& level, std::span<const double> values) const {
  const size_t at = static_cast<size_t>(level.newest) % level.size;
  double* const point = level.values.data() + at * series_.size();
  const size_t n = std::min(values.size(), series_.size());
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(values[i])) continue;
    ++level.n_added[i];
    level.sums[i] += values[i];
    if (series_[i].fold == Fold::kMax) {
      point[i] = level.n_added[i] == 1 ? values[i] : std::max(point[i], values[i]);
    } else {
      point[i] = level.sums[i] / static_cast<double>(level.n_added[i]);
    }
  }
}

void Trends::add(int64_t unix_ms, std::span<const double> values) {
  const std::lock_guard lock(mutex_);
  for (Level& level : levels_) {
    const int64_t slot = std::max<int64_t>(unix_ms, 0) / level.step_ms;
    if (slot != level.newest) open_slot(level, slot);
    fold_in(level, values);
  }
}

const Trends::Level& Trends::level_of(int64_t window_ms) const {
  for (const Level& level : levels_) {
    if (window_ms <= level.step_ms * static_cast<int64_t>(level.size)) return level;
  }
  return levels_.back();
}

TrendHistory Trends::history(int64_t window_ms) const {
  const std::lock_guard lock(mutex_);
  const Level& level = level_of(window_ms);
  TrendHistory history{.step_ms = level.step_ms, .unix_ms = {}, .series = series_, .values = {}};
  history.values.resize(series_.size());
  if (level.newest < 0) return history;
  const int64_t n_wanted = std::clamp<int64_t>(window_ms / level.step_ms, 1, static_cast<int64_t>(level.size));
  const int64_t first = std::max(level.newest - n_wanted + 1, level.oldest);
  for (int64_t slot = first; slot <= level.newest; ++slot) {
    const size_t at = static_cast<size_t>(slot) % level.size;
    const bool written = level.slots[at] == slot;
    history.unix_ms.push_back(slot * level.step_ms);
    for (size_t i = 0; i < series_.size(); ++i) {
      history.values[i].push_back(written ? level.values[at * series_.size() + i] : kNotMeasured);
    }
  }
  return history;
}

}  // namespace docmind::monitor
