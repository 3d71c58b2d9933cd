// MetricFamilies: gauges, counters and histograms, and their text as Prometheus reads it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/histogram.h"

namespace docmind::server {

// Made for one scrape. Values of one name with different labels become one family, with the help of the first.
class MetricFamilies {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  MetricFamilies();
  ~MetricFamilies();
  MetricFamilies(const MetricFamilies&) = delete;
  MetricFamilies& operator=(const MetricFamilies&) = delete;

  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  // In seconds, with buckets from 0.1 ms to 5 minutes.
  void histogram(std::string_view name, std::string_view help, const monitor::Histogram& durations, Labels labels = {});

  // Text exposition format 0.0.4.
  [[nodiscard]] std::string text() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::server
