// /metrics: the text is what Prometheus reads, and has every name of the board that is shipped.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "server/metric_families.h"
#include "server/own_metrics.h"

namespace docmind::server {
namespace {

struct ParsedMetrics {
  std::map<std::string, std::string> types;   // by family
  std::map<std::string, double> samples;      // by name and labels
  std::set<std::string> names;                // of samples
};

// The text exposition format 0.0.4, strictly.
ParsedMetrics parse_metrics(const std::string& text) {
  static const std::regex kSample(R"(^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (NaN|[-+]?Inf|[-+0-9.eE]+)$)");
  ParsedMetrics parsed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      std::istringstream words(line.substr(7));
      std::string name, type;
      words >> name >> type;
      EXPECT_TRUE(parsed.types.emplace(name, type).second) << name << " is told twice";
      continue;
    }
    if (line.empty() || line.starts_with('#')) continue;
    std::smatch match;
    EXPECT_TRUE(std::regex_match(line, match, kSample)) << line;
    if (match.empty()) continue;
    EXPECT_TRUE(parsed.samples.emplace(match[1].str() + match[2].str(), std::strtod(match[3].str().c_str(), nullptr)).second)
        << line << " is told twice";
    parsed.names.insert(match[1]);
  }
  return parsed;
}

pipeline::ServiceSample full_sample() {
  pipeline::ServiceSample sample;
  sample.text.emplace();
  sample.text->n_generated = 12;
  sample.text->kv.budget_bytes = 100;
  sample.text->kv.held_bytes = 25;
  sample.embedding.emplace();
  sample.rerank.emplace();
  sample.answer_tiers = {{.name = "memory"}, {.name = "disk"}};
  sample.computed = {{.name = "embedding", .n_hits = 3}};
  sample.monitor.process_memory = monitor::ProcessMemory{.rss_bytes = 7, .peak_rss_bytes = 8};
  sample.monitor.system_memory = monitor::SystemMemory{.total_bytes = 9, .available_bytes = 5};
  sample.server = {{"connections", 1}, {"requests", 5}};
  sample.gpu.devices = {{.name = "GPU", .total_bytes = 10, .used_bytes = 4, .utilisation = 0.5, .temperature_c = 60}};
  return sample;
}

ParsedMetrics full_metrics(const monitor::Metrics& metrics) {
  MetricFamilies families;
  add_own_metrics(families, full_sample(), metrics, {}, "1.2.3");
  add_alias_metrics(families, full_sample(), metrics, "tiny \"model\"");
  return parse_metrics(families.text());
}

TEST(MetricsText, HistogramsCountInSeconds) {
  const auto metrics = std::make_unique<monitor::Metrics>();
  metrics->record(monitor::Stage::kTotalAsk, 0.3);
  metrics->record(monitor::Stage::kTotalAsk, 40);
  metrics->record(monitor::Stage::kTotalAsk, 1e7);
  const ParsedMetrics parsed = full_metrics(*metrics);
  EXPECT_EQ(parsed.types.at("docmind_stage_seconds"), "histogram");
  const auto bucket = [&](const std::string& bound) {
    return parsed.samples.at("docmind_stage_seconds_bucket{stage=\"total_ask\",le=\"" + bound + "\"}");
  };
  EXPECT_EQ(bucket("0.0005"), 1);
  EXPECT_EQ(bucket("0.05"), 2);
  EXPECT_EQ(bucket("300"), 2);
  EXPECT_EQ(bucket("+Inf"), 3);
  EXPECT_EQ(parsed.samples.at("docmind_stage_seconds_count{stage=\"total_ask\"}"), 3);
  EXPECT_NEAR(parsed.samples.at("docmind_stage_seconds_sum{stage=\"total_ask\"}"), 10'000.0403, 0.001);
}

TEST(MetricsText, CountersEndWithTotal) {
  const auto metrics = std::make_unique<monitor::Metrics>();
  metrics->add(monitor::Counter::kQuestions, 5);
  const ParsedMetrics parsed = full_metrics(*metrics);
  EXPECT_EQ(parsed.samples.at("docmind_questions_total"), 5);
  EXPECT_EQ(parsed.samples.at("docmind_http_requests_total"), 5);
  EXPECT_EQ(parsed.samples.at("docmind_gpu_memory_bytes{gpu=\"0\",state=\"used\"}"), 4);
  for (const auto& [name, type] : parsed.types) {
    EXPECT_TRUE(type != "counter" || name.ends_with("_total")) << name;
  }
}

TEST(MetricsText, HasTheNamesOfOtherServers) {
  const auto metrics = std::make_unique<monitor::Metrics>();
  const ParsedMetrics parsed = full_metrics(*metrics);
  for (const char* name :
       {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
        "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total", "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total", "vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds",
        "vllm:e2e_request_latency_seconds", "vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds",
        "vllm:request_decode_time_seconds", "vllm:num_preemptions_total", "llamacpp:prompt_tokens_total",
        "llamacpp:prompt_seconds_total", "llamacpp:tokens_predicted_total", "llamacpp:tokens_predicted_seconds_total",
        "llamacpp:prompt_tokens_seconds", "llamacpp:predicted_tokens_seconds", "llamacpp:kv_cache_usage_ratio",
        "llamacpp:requests_processing", "llamacpp:requests_deferred"}) {
    EXPECT_TRUE(parsed.types.contains(name)) << name;
  }
  EXPECT_EQ(parsed.samples.at("vllm:kv_cache_usage_perc{model_name=\"tiny \\\"model\\\"\"}"), 0.25);
  // Nothing of them without a language model.
  MetricFamilies families;
  add_alias_metrics(families, {}, *metrics, "");
  EXPECT_TRUE(families.text().empty());
}

TEST(MetricsText, EveryNameOfTheBoardIsExported) {
  std::ifstream file(DOCMIND_SOURCE_DIR "/examples/grafana/docmind.json");
  std::ostringstream board;
  board << file.rdbuf();
  const std::string text = board.str();
  const auto metrics = std::make_unique<monitor::Metrics>();
  const ParsedMetrics parsed = full_metrics(*metrics);
  static const std::regex kName(R"(\bdocmind_[a-z0-9_]+)");
  size_t n_names = 0;
  for (std::sregex_iterator name(text.begin(), text.end(), kName), end; name != end; ++name, ++n_names) {
    EXPECT_TRUE(parsed.names.contains(name->str())) << name->str();
  }
  EXPECT_GT(n_names, 15u);
}

}  // namespace
}  // namespace docmind::server
