// What /metrics says under the names of vLLM and of llama.cpp's server.
// SPDX-License-Identifier: Apache-2.0
#include "server/own_metrics.h"

namespace docmind::server {
namespace {

using monitor::Stage;

double share_of(size_t part, size_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

// Names and meanings as in vLLM's production metrics, version 1 engine.
void add_vllm(MetricFamilies& to, const engine::SchedulerStats& text, const monitor::Metrics& metrics,
              const MetricFamilies::Labels& model) {
  to.gauge("vllm:num_requests_running", "Number of requests in model execution batches.",
           static_cast<double>(text.n_running), model);
  to.gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.",
           static_cast<double>(text.n_queued + text.n_suspended), model);
  to.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.",
           share_of(text.kv.referenced_bytes + text.kv.held_bytes, text.kv.budget_bytes), model);
  to.counter("vllm:prefix_cache_queries_total", "Tokens of prompts that were looked for in the prefix cache.",
             static_cast<double>(text.kv.n_lookup_tokens), model);
  to.counter("vllm:prefix_cache_hits_total", "Of these, found.", static_cast<double>(text.kv.n_hit_tokens), model);
  to.counter("vllm:num_preemptions_total", "Cumulative number of preemptions from the engine.",
             static_cast<double>(text.n_preempted), model);
  to.counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.",
             static_cast<double>(text.n_prefill_tokens), model);
  to.counter("vllm:generation_tokens_total", "Number of generation tokens processed.",
             static_cast<double>(text.n_generated), model);
  const auto histogram = [&](const char* name, const char* help, Stage stage) {
    to.histogram(name, help, metrics.histogram(stage), model);
  };
  histogram("vllm:time_to_first_token_seconds", "Time to first token in seconds.", Stage::kFirstToken);
  histogram("vllm:inter_token_latency_seconds", "Inter-token latency in seconds.", Stage::kBetweenTokens);
  histogram("vllm:e2e_request_latency_seconds", "End to end request latency in seconds.", Stage::kTotalRequest);
  histogram("vllm:request_queue_time_seconds", "Time spent in WAITING phase for request.", Stage::kQueue);
  histogram("vllm:request_prefill_time_seconds", "Time spent in PREFILL phase for request.", Stage::kPrefill);
  histogram("vllm:request_decode_time_seconds", "Time spent in DECODE phase for request.", Stage::kDecode);
}

// llama.cpp's server: counters and gauges without labels.
void add_llamacpp(MetricFamilies& to, const engine::SchedulerStats& text, const monitor::Metrics& metrics) {
  constexpr double kMsPerSecond = 1'000;
  const double prompt_s = metrics.histogram(Stage::kPrefill).sum_ms() / kMsPerSecond;
  const double predicted_s = metrics.histogram(Stage::kDecode).sum_ms() / kMsPerSecond;
  const auto prompt_tokens = static_cast<double>(text.n_prefill_tokens);
  const auto predicted_tokens = static_cast<double>(text.n_generated);
  to.counter("llamacpp:prompt_tokens_total", "Number of prompt tokens processed.", prompt_tokens);
  to.counter("llamacpp:prompt_seconds_total", "Prompt process time", prompt_s);
  to.counter("llamacpp:tokens_predicted_total", "Number of generation tokens processed.", predicted_tokens);
  to.counter("llamacpp:tokens_predicted_seconds_total", "Predict process time", predicted_s);
  to.gauge("llamacpp:prompt_tokens_seconds", "Average prompt throughput in tokens/s.",
           prompt_s > 0 ? prompt_tokens / prompt_s : 0);
  to.gauge("llamacpp:predicted_tokens_seconds", "Average generation throughput in tokens/s.",
           predicted_s > 0 ? predicted_tokens / predicted_s : 0);
  to.gauge("llamacpp:kv_cache_usage_ratio", "KV-cache usage. 1 means 100 percent usage.",
           share_of(text.kv.referenced_bytes + text.kv.held_bytes, text.kv.budget_bytes));
  to.gauge("llamacpp:requests_processing", "Number of requests processing.", static_cast<double>(text.n_running));
  to.gauge("llamacpp:requests_deferred", "Number of requests deferred.",
           static_cast<double>(text.n_queued + text.n_suspended));
}

}  // namespace

void add_alias_metrics(MetricFamilies& to, const pipeline::ServiceSample& sample, const monitor::Metrics& metrics,
                       const std::string& model_name) {
  if (!sample.text) return;
  add_vllm(to, *sample.text, metrics, {{"model_name", model_name}});
  add_llamacpp(to, *sample.text, metrics);
}

}  // namespace docmind::server
