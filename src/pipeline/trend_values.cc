// The series of the trends, and their values of one moment.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/trend_values.h"

#include <cmath>
#include <limits>

namespace docmind::pipeline {
namespace {

using monitor::Fold;
using monitor::Stage;

constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

struct Moment {
  const ServiceSample& now;
  const ServiceSample& before;
  const ServiceRates& rates;
  const monitor::WindowedMetrics& window;
  const monitor::GpuState& gpu;
};

struct SeriesSource {
  const char* name;
  Fold fold;
  double (*value)(const Moment& moment);
};

double ratio(double part, double whole) { return whole > 0 ? part / whole : kNotMeasured; }

double rss(const Moment& m) {
  return m.now.monitor.process_memory ? static_cast<double>(m.now.monitor.process_memory->rss_bytes) : kNotMeasured;
}

double available(const Moment& m) {
  return m.now.monitor.system_memory ? static_cast<double>(m.now.monitor.system_memory->available_bytes)
                                     : kNotMeasured;
}

// Of the second that has passed.
double hit_rate(const Moment& m) {
  const auto since = [](uint64_t later, uint64_t earlier) { return static_cast<double>(later - earlier); };
  const cache::AnswerCacheStats &now = m.now.answers, &before = m.before.answers;
  const double hits = since(now.hits + now.near_hits, before.hits + before.near_hits);
  const double asked = since(now.hits + now.misses, before.hits + before.misses);
  return asked > 0 ? std::min(1.0, hits / asked) : kNotMeasured;
}

// Of the last minute.
template <Stage stage>
double p95_of(const Moment& m) {
  const monitor::HistogramSummary summary = m.window.summary(stage);
  return summary.count > 0 ? summary.p95_ms : kNotMeasured;
}

double gpu_used(const Moment& m) {
  if (!m.gpu.present()) return kNotMeasured;
  double used = 0;
  for (const monitor::GpuDevice& device : m.gpu.devices) used += static_cast<double>(device.used_bytes);
  return used;
}

const std::vector<SeriesSource>& sources() {
  static const std::vector<SeriesSource> kSources = {
      {"rss_bytes", Fold::kMax, rss},
      {"system_available_bytes", Fold::kMean, available},
      {"memory_share", Fold::kMax,
       [](const Moment& m) { return ratio(rss(m), static_cast<double>(m.now.memory_budget_bytes)); }},
      {"generated_per_s", Fold::kMean, [](const Moment& m) { return m.now.text ? m.rates.generated : kNotMeasured; }},
      {"prompt_per_s", Fold::kMean, [](const Moment& m) { return m.now.text ? m.rates.prompt : kNotMeasured; }},
      {"embedded_per_s", Fold::kMean,
       [](const Moment& m) { return m.now.embedding ? m.rates.embedded : kNotMeasured; }},
      {"questions_per_s", Fold::kMean, [](const Moment& m) { return m.rates.questions; }},
      {"requests_per_s", Fold::kMean, [](const Moment& m) { return m.rates.requests; }},
      {"queue", Fold::kMax, [](const Moment& m) { return static_cast<double>(m.now.n_queued()); }},
      {"running", Fold::kMax, [](const Moment& m) { return static_cast<double>(m.now.n_running()); }},
      {"kv_used_bytes", Fold::kMax,
       [](const Moment& m) { return m.now.text ? static_cast<double>(m.now.kv_used_bytes()) : kNotMeasured; }},
      {"kv_share", Fold::kMax,
       [](const Moment& m) {
         return m.now.text ? ratio(static_cast<double>(m.now.kv_used_bytes()),
                                   static_cast<double>(m.now.text->kv.budget_bytes))
                           : kNotMeasured;
       }},
      {"cache_hit_rate", Fold::kMean, hit_rate},
      {"batch_mean", Fold::kMean,
       [](const Moment& m) { return m.now.text ? m.now.text->mean_batch() : kNotMeasured; }},
      {"ttft_p95_ms", Fold::kMax, p95_of<Stage::kFirstToken>},
      {"total_p95_ms", Fold::kMax, p95_of<Stage::kTotalAsk>},
      {"between_tokens_p95_ms", Fold::kMax, p95_of<Stage::kBetweenTokens>},
      {"retrieve_p95_ms", Fold::kMax, p95_of<Stage::kRetrieveVector>},
      {"rerank_p95_ms", Fold::kMax, p95_of<Stage::kRerank>},
      {"embed_p95_ms", Fold::kMax, p95_of<Stage::kEmbedQuestion>},
      {"prefill_p95_ms", Fold::kMax, p95_of<Stage::kPrefill>},
      {"decode_p95_ms", Fold::kMax, p95_of<Stage::kDecode>},
      {"cache_p95_ms", Fold::kMax, p95_of<Stage::kCacheLookup>},
      {"queue_p95_ms", Fold::kMax, p95_of<Stage::kQueue>},
      {"gpu_used_bytes", Fold::kMax, gpu_used},
      {"refused", Fold::kMax,
       [](const Moment& m) {
         return static_cast<double>(m.now.workers.n_refused - m.before.workers.n_refused) +
                static_cast<double>(m.now.server_count("refused") - m.before.server_count("refused"));
       }},
  };
  return kSources;
}

}  // namespace

std::vector<monitor::TrendSeries> trend_series() {
  std::vector<monitor::TrendSeries> series;
  for (const SeriesSource& source : sources()) series.push_back({source.name, source.fold});
  return series;
}

std::vector<double> trend_values(const ServiceSample& now, const ServiceSample& before, const ServiceRates& rates,
                                 const monitor::WindowedMetrics& window, const monitor::GpuState& gpu) {
  const Moment moment{now, before, rates, window, gpu};
  std::vector<double> values;
  for (const SeriesSource& source : sources()) values.push_back(source.value(moment));
  return values;
}

json::object history_json(const monitor::TrendHistory& history) {
  json::object series;
  for (size_t i = 0; i < history.series.size(); ++i) {
    json::array values;
    for (const double value : history.values[i]) {
      values.push_back(std::isfinite(value) ? json::value(value) : json::value());
    }
    series[history.series[i].name] = std::move(values);
  }
  return {{"step_ms", history.step_ms},
          {"unix_ms", json::value_from(history.unix_ms)},
          {"series", std::move(series)}};
}

}  // namespace docmind::pipeline
