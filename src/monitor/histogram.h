// Histogram: durations in logarithmic buckets, recorded by many threads without a lock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace docmind::monitor {

// What a histogram holds, in milliseconds. All zero when nothing was recorded.
struct HistogramSummary {
  uint64_t count = 0;
  double sum_ms = 0;
  double min_ms = 0;  // exact
  double max_ms = 0;  // exact
  double p50_ms = 0;  // percentiles: nearest rank, within 3% of the true value
  double p90_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double mean_ms() const { return count == 0 ? 0 : sum_ms / static_cast<double>(count); }
};

// Counts durations from 1 us to 1 h in buckets 1/32 of an octave wide (8 KiB in all). Shorter ones
// share the first bucket, longer ones the last; sum, minimum and maximum stay exact. Every member
// may be called from any thread at any time; a summary taken meanwhile holds whole records only in
// its count and percentiles, its sum may be ahead by the records in flight.
class Histogram {
 public:
  static constexpr size_t kSubBuckets = 32;  // of one octave
  static constexpr size_t kOctaves = 32;     // 2^32 us = 71 minutes
  static constexpr size_t kBuckets = kSubBuckets * kOctaves;
  using Counts = std::array<uint64_t, kBuckets>;

  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  // A negative duration counts as 0; one that is not a finite number is ignored.
  void record(double ms);
  // Adds everything that `other` holds, which must not be this histogram.
  void merge(const Histogram& other);
  [[nodiscard]] HistogramSummary summary() const;

  // How many durations were at most each bound, and at the end how many there were at all: what the
  // buckets of a Prometheus histogram hold. Bounds ascend; a bound is met within 3%.
  [[nodiscard]] std::vector<uint64_t> cumulative(std::span<const double> bounds_ms) const;

  // For windows: the records of each bucket so far, and the sum of their durations.
  void copy_counts(Counts& counts) const;
  [[nodiscard]] double sum_ms() const { return sum_ms_.load(std::memory_order_relaxed); }
  // Of counts that were taken from a histogram; minimum and maximum are within 3% as well.
  [[nodiscard]] static HistogramSummary summarize(const Counts& counts, double sum_ms);

 private:
  static size_t bucket_of(double ms);
  static double middle_ms(size_t bucket);
  static double percentile(const Counts& counts, uint64_t total, double share);
  static HistogramSummary percentiles(const Counts& counts, uint64_t total, double min_ms, double max_ms);
  void widen(double min_ms, double max_ms);

  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<double> sum_ms_{0};
  std::atomic<double> min_ms_{std::numeric_limits<double>::infinity()};
  std::atomic<double> max_ms_{0};
};

}  // namespace docmind::monitor
