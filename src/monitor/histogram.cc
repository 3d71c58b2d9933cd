// Histogram: durations in logarithmic buckets, recorded by many threads without a lock.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace docmind::monitor {
namespace {

constexpr double kUsPerMs = 1000.0;

}  // namespace

size_t Histogram::bucket_of(double ms) {
  const double us = ms * kUsPerMs;
  if (us < 1.0) return 0;
  int exponent = 0;
  const double mantissa = std::frexp(us, &exponent);  // us = mantissa * 2^exponent, in [0.5, 1)
  const auto octave = static_cast<size_t>(exponent - 1);
  if (octave >= kOctaves) return kBuckets - 1;
  const auto sub = static_cast<size_t>((mantissa - 0.5) * 2.0 * kSubBuckets);
  return octave * kSubBuckets + std::min(sub, kSubBuckets - 1);
}

double Histogram::middle_ms(size_t bucket) {
  const double sub = static_cast<double>(bucket % kSubBuckets) + 0.5;
  const double us = std::ldexp(1.0 + sub / kSubBuckets, static_cast<int>(bucket / kSubBuckets));
  return us / kUsPerMs;
}

void Histogram::widen(double min_ms, double max_ms) {
  double low = min_ms_.load(std::memory_order_relaxed);
  while (min_ms < low && !min_ms_.compare_exchange_weak(low, min_ms, std::memory_order_relaxed)) {
  }
  double high = max_ms_.load(std::memory_order_relaxed);
  while (max_ms > high && !max_ms_.compare_exchange_weak(high, max_ms, std::memory_order_relaxed)) {
  }
}

void Histogram::record(double ms) {
  if (!std::isfinite(ms)) return;
  ms = std::max(ms, 0.0);
  sum_ms_.fetch_add(ms, std::memory_order_relaxed);
  widen(ms, ms);
  // Last and with release: whoever sees the count also sees the extremes that belong to it.
  counts_[bucket_of(ms)].fetch_add(1, std::memory_order_release);
}

void Histogram::merge(const Histogram& other) {
  Counts counts;
  other.copy_counts(counts);
  sum_ms_.fetch_add(other.sum_ms_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  widen(other.min_ms_.load(std::memory_order_relaxed),
        other.max_ms_.load(std::memory_order_relaxed));
  for (size_t i = 0; i < kBuckets; ++i) {
    if (counts[i] != 0) counts_[i].fetch_add(counts[i], std::memory_order_release);
  }
}

double Histogram::percentile(const Counts& counts, uint64_t total, double share) {
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(total)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts[i];
    if (seen >= std::max<uint64_t>(rank, 1)) return middle_ms(i);
  }
  return middle_ms(kBuckets - 1);
}

HistogramSummary Histogram::percentiles(const Counts& counts, uint64_t total, double min_ms,
                                        double max_ms) {
  HistogramSummary summary{.count = total, .min_ms = min_ms, .max_ms = max_ms};
  const auto at = [&](double share) {
    return std::clamp(percentile(counts, total, share), min_ms, max_ms);
  };
  summary.p50_ms = at(0.50);
  summary.p90_ms = at(0.90);
  summary.p95_ms = at(0.95);
  summary.p99_ms = at(0.99);
  return summary;
}

void Histogram::copy_counts(Counts& counts) const {
  for (size_t i = 0; i < kBuckets; ++i) counts[i] = counts_[i].load(std::memory_order_acquire);
}

HistogramSummary Histogram::summary() const {
  Counts counts;
  copy_counts(counts);
  const uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  if (total == 0) return {};
  const double sum_ms = sum_ms_.load(std::memory_order_relaxed);
  HistogramSummary summary = percentiles(counts, total, min_ms_.load(std::memory_order_relaxed),
                                         max_ms_.load(std::memory_order_relaxed));
  summary.sum_ms = sum_ms;
  return summary;
}

HistogramSummary Histogram::summarize(const Counts& counts, double sum_ms) {
  size_t first = kBuckets;
  size_t last = 0;
  uint64_t total = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    if (counts[i] == 0) continue;
    first = std::min(first, i);
    last = i;
    total += counts[i];
  }
  if (total == 0) return {};
  HistogramSummary summary = percentiles(counts, total, middle_ms(first), middle_ms(last));
  summary.sum_ms = sum_ms;
  return summary;
}

std::vector<uint64_t> Histogram::cumulative(std::span<const double> bounds_ms) const {
  std::vector<uint64_t> result;
  result.reserve(bounds_ms.size() + 1);
  uint64_t seen = 0;
  size_t bucket = 0;
  for (const double bound : bounds_ms) {
    while (bucket < kBuckets && middle_ms(bucket) <= bound) {
      seen += counts_[bucket++].load(std::memory_order_acquire);
    }
    result.push_back(seen);
  }
  while (bucket < kBuckets) seen += counts_[bucket++].load(std::memory_order_acquire);
  result.push_back(seen);
  return result;
}

}  // namespace docmind::monitor
