// MetricFamilies: gauges, counters and histograms, and their text as Prometheus reads it.
// SPDX-License-Identifier: Apache-2.0
#include "server/metric_families.h"

#include <array>
#include <limits>
#include <sstream>
#include <unordered_map>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace docmind::server {
namespace {

constexpr double kMsPerSecond = 1'000;
constexpr std::array kBoundsMs = {0.1,   0.25,  0.5,    1.0,    2.5,    5.0,     10.0,    25.0,    50.0,     100.0,
                                  250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 30000.0, 60000.0, 300000.0};

}  // namespace

struct MetricFamilies::Impl {
  // The metric to fill in, with its labels.
  prometheus::ClientMetric& add(std::string_view name, std::string_view help, prometheus::MetricType type,
                                Labels&& labels) {
    const auto [known, is_new] = by_name.try_emplace(std::string(name), families.size());
    if (is_new) families.push_back({std::string(name), std::string(help), type, {}});
    prometheus::ClientMetric& metric = families[known->second].metric.emplace_back();
    for (auto& [label, value] : labels) metric.label.push_back({std::move(label), std::move(value)});
    return metric;
  }

  std::vector<prometheus::MetricFamily> families;  // in the order in which they came
  std::unordered_map<std::string, size_t> by_name;
};

MetricFamilies::MetricFamilies() : impl_(std::make_unique<Impl>()) {}
MetricFamilies::~MetricFamilies() = default;

void MetricFamilies::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  impl_->add(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
}

void MetricFamilies::counter(std::string_view name, std::string_view help, double value, Labels labels) {
  impl_->add(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value = value;
}

void MetricFamilies::histogram(std::string_view name, std::string_view help, const monitor::Histogram& durations,
                               Labels labels) {
  prometheus::ClientMetric::Histogram& to =
      impl_->add(name, help, prometheus::MetricType::Histogram, std::move(labels)).histogram;
  const std::vector<uint64_t> counts = durations.cumulative(kBoundsMs);
  for (size_t i = 0; i < kBoundsMs.size(); ++i) to.bucket.push_back({counts[i], kBoundsMs[i] / kMsPerSecond});
  to.bucket.push_back({counts.back(), std::numeric_limits<double>::infinity()});
  to.sample_count = counts.back();
  to.sample_sum = durations.sum_ms() / kMsPerSecond;
}

std::string MetricFamilies::text() const {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  prometheus::TextSerializer().Serialize(out, impl_->families);
  return std::move(out).str();
}

}  // namespace docmind::server
