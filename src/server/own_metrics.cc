// What /metrics says under our own names.
// SPDX-License-Identifier: Apache-2.0
#include "server/own_metrics.h"

#include <fmt/format.h>

namespace docmind::server {
namespace {

using monitor::Counter;
using monitor::Stage;

void add_memory(MetricFamilies& to, const pipeline::ServiceSample& sample) {
  if (sample.monitor.process_memory) {
    to.gauge("docmind_process_resident_bytes", "Memory of the process that is resident now",
             static_cast<double>(sample.monitor.process_memory->rss_bytes));
    to.gauge("docmind_process_peak_resident_bytes", "The most that was ever resident",
             static_cast<double>(sample.monitor.process_memory->peak_rss_bytes));
  }
  to.gauge("docmind_memory_budget_bytes", "What the process may take before settings are lowered",
           static_cast<double>(sample.memory_budget_bytes));
  if (!sample.monitor.system_memory) return;
  constexpr const char* kHelp = "Memory of the machine or of the control group, whichever is less";
  to.gauge("docmind_system_memory_bytes", kHelp, static_cast<double>(sample.monitor.system_memory->total_bytes),
           {{"state", "total"}});
  to.gauge("docmind_system_memory_bytes", kHelp, static_cast<double>(sample.monitor.system_memory->available_bytes),
           {{"state", "available"}});
}

void add_text_model(MetricFamilies& to, const engine::SchedulerStats& text) {
  const kv::CacheStats& kv = text.kv;
  constexpr const char* kHelp = "Memory for keys and values";
  to.gauge("docmind_kv_bytes", kHelp, static_cast<double>(kv.referenced_bytes), {{"state", "used"}});
  to.gauge("docmind_kv_bytes", kHelp, static_cast<double>(kv.held_bytes), {{"state", "held"}});
  to.gauge("docmind_kv_bytes", kHelp, static_cast<double>(kv.resident_bytes), {{"state", "resident"}});
  to.gauge("docmind_kv_bytes", kHelp, static_cast<double>(kv.budget_bytes), {{"state", "budget"}});
  to.gauge("docmind_kv_blocks", "Blocks of keys and values in use", static_cast<double>(kv.n_blocks));
  to.gauge("docmind_kv_pages", "Sealed pages in use", static_cast<double>(kv.n_pages));
  to.counter("docmind_kv_prefix_lookup_tokens_total", "Tokens of prompts that were looked for among held prefixes",
             static_cast<double>(kv.n_lookup_tokens));
  to.counter("docmind_kv_prefix_hit_tokens_total", "Of these, found", static_cast<double>(kv.n_hit_tokens));
  to.counter("docmind_kv_evicted_blocks_total", "Blocks of held prefixes that had to go",
             static_cast<double>(kv.n_evicted_blocks));
  to.counter("docmind_preemptions_total", "Times that a text had to make room", static_cast<double>(text.n_preempted));
  to.gauge("docmind_texts_running", "Texts that are generated now", static_cast<double>(text.n_running));
  to.gauge("docmind_batch_items", "Items of a batch, on average", text.mean_batch(), {{"work", "generate"}});
  constexpr const char* kTokens = "Tokens that went through a model";
  to.counter("docmind_model_tokens_total", kTokens, static_cast<double>(text.n_prefill_tokens), {{"work", "prefill"}});
  to.counter("docmind_model_tokens_total", kTokens, static_cast<double>(text.n_generated), {{"work", "generate"}});
}

void add_encoder(MetricFamilies& to, const engine::BatchStats& stats, const std::string& work) {
  to.counter("docmind_model_tokens_total", "Tokens that went through a model", static_cast<double>(stats.cost),
             {{"work", work}});
  to.gauge("docmind_batch_items", "Items of a batch, on average", stats.batch_items.mean, {{"work", work}});
  to.gauge("docmind_batch_fill", "Share of a batch's budget that is used, on average", stats.fill.mean,
           {{"work", work}});
}

void add_queues(MetricFamilies& to, const pipeline::ServiceSample& sample) {
  const auto queue = [&](const char* name, auto length) {
    to.gauge("docmind_queue_length", "What waits", static_cast<double>(length), {{"queue", name}});
  };
  queue("questions", sample.workers.n_waiting);
  queue("generate", sample.text ? sample.text->n_queued : 0);
  queue("embed", sample.embedding ? sample.embedding->n_queued : 0);
  queue("rerank", sample.rerank ? sample.rerank->n_queued : 0);
  queue("index", sample.n_index_runs);
  to.gauge("docmind_workers_busy", "Workers that answer a request now", static_cast<double>(sample.workers.n_running));
  to.counter("docmind_queue_refused_total", "Requests that found too many waiting",
             static_cast<double>(sample.workers.n_refused));
}

void add_caches(MetricFamilies& to, const pipeline::ServiceSample& sample) {
  const cache::AnswerCacheStats& answers = sample.answers;
  const auto count = [&](const char* result, uint64_t n) {
    to.counter("docmind_answer_cache_total", "Look-ups of answers by what came of them", static_cast<double>(n),
               {{"result", result}});
  };
  count("hit", answers.hits);
  count("near_hit", answers.near_hits);
  count("miss", answers.misses);
  count("stale", answers.stale);
  count("revalidated", answers.revalidated);
  to.counter("docmind_answer_cache_stored_total", "Answers that were kept", static_cast<double>(answers.stored));
  to.counter("docmind_answer_cache_saved_seconds_total", "What making the answers had taken that were served again",
             answers.saved_ms / 1'000);
  to.counter("docmind_answer_cache_saved_tokens_total", "Likewise in tokens",
             static_cast<double>(answers.saved_tokens));
  for (const cache::TierStats& tier : sample.answer_tiers) {
    to.gauge("docmind_answer_cache_entries", "Answers that are kept", static_cast<double>(tier.n_entries),
             {{"tier", tier.name}});
    to.gauge("docmind_answer_cache_bytes", "What they take", static_cast<double>(tier.size_bytes),
             {{"tier", tier.name}});
    to.gauge("docmind_answer_cache_limit_bytes", "What they may take", static_cast<double>(tier.limit_bytes),
             {{"tier", tier.name}});
  }
  for (const cache::ComputationStats& kind : sample.computed) {
    constexpr const char* kHelp = "Look-ups of computed results by what came of them";
    to.counter("docmind_computed_cache_total", kHelp, static_cast<double>(kind.n_hits),
               {{"kind", kind.name}, {"result", "hit"}});
    to.counter("docmind_computed_cache_total", kHelp, static_cast<double>(kind.n_misses),
               {{"kind", kind.name}, {"result", "miss"}});
  }
}

void add_setpoints(MetricFamilies& to, const control::Setpoints& now) {
  const auto setpoint = [&](const char* name, int64_t value) {
    to.gauge("docmind_setpoint", "What the controller has set", static_cast<double>(value), {{"setting", name}});
  };
  setpoint("level", static_cast<int64_t>(now.level));
  setpoint("kv_format", static_cast<int64_t>(now.kv_format));
  setpoint("max_sequences", now.max_sequences);
  setpoint("prefill_tokens", now.prefill_tokens);
  setpoint("embed_batch_tokens", now.embed_batch_tokens);
  setpoint("rerank_batch_tokens", now.rerank_batch_tokens);
  setpoint("cache_memory_bytes", now.cache_memory_bytes);
  setpoint("max_queued", now.max_queued);
  setpoint("rerank_depth", now.rerank_depth);
  setpoint("context_passages", now.context_passages);
}

void add_server(MetricFamilies& to, const pipeline::ServiceSample& sample) {
  if (sample.server.empty()) return;
  to.gauge("docmind_http_connections", "Open connections", static_cast<double>(sample.server_count("connections")));
  to.gauge("docmind_http_in_flight", "Requests in work", static_cast<double>(sample.server_count("in_flight")));
  const auto count = [&](const char* name, const char* help) {
    to.counter(fmt::format("docmind_http_{}_total", name), help, static_cast<double>(sample.server_count(name)));
  };
  count("accepted", "Connections that were accepted");
  count("requests", "Requests whose head was read");
  count("refused", "Answered 429 or 503");
  count("bad", "Refused by the transport: 400 to 431");
  count("cut_off", "Clients that read or wrote too slowly");
  count("client_gone", "Clients that left before the end of the answer");
  count("read_bytes", "Bytes read");
  count("written_bytes", "Bytes written");
}

void add_gpus(MetricFamilies& to, const monitor::GpuState& gpu) {
  to.gauge("docmind_gpus", "GPUs that are seen", static_cast<double>(gpu.devices.size()));
  for (size_t i = 0; i < gpu.devices.size(); ++i) {
    const monitor::GpuDevice& device = gpu.devices[i];
    const std::string index = std::to_string(i);
    constexpr const char* kHelp = "Memory of the GPU, used by all processes";
    to.gauge("docmind_gpu_memory_bytes", kHelp, static_cast<double>(device.used_bytes),
             {{"gpu", index}, {"state", "used"}});
    to.gauge("docmind_gpu_memory_bytes", kHelp, static_cast<double>(device.total_bytes),
             {{"gpu", index}, {"state", "total"}});
    if (device.utilisation) to.gauge("docmind_gpu_utilisation", "0 to 1", *device.utilisation, {{"gpu", index}});
  }
}

}  // namespace

void add_own_metrics(MetricFamilies& to, const pipeline::ServiceSample& sample, const monitor::Metrics& metrics,
                     const control::Setpoints& setpoints, std::string_view version) {
  to.gauge("docmind_build_info", "The version that runs", 1, {{"version", std::string(version)}});
  to.gauge("docmind_uptime_seconds", "Since the start", sample.uptime_s);
  for (size_t i = 0; i < monitor::kStageCount; ++i) {
    const auto stage = static_cast<Stage>(i);
    to.histogram("docmind_stage_seconds", "Time that a stage of the work took", metrics.histogram(stage),
                 {{"stage", std::string(monitor::stage_name(stage))}});
  }
  for (size_t i = 0; i < monitor::kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    to.counter(fmt::format("docmind_{}_total", monitor::counter_name(counter)), "Counted since the start",
               static_cast<double>(metrics.value(counter)));
  }
  add_memory(to, sample);
  if (sample.text) add_text_model(to, *sample.text);
  if (sample.embedding) add_encoder(to, *sample.embedding, "embed");
  if (sample.rerank) add_encoder(to, *sample.rerank, "rerank");
  add_queues(to, sample);
  add_caches(to, sample);
  add_setpoints(to, setpoints);
  add_server(to, sample);
  add_gpus(to, sample.gpu);
}

}  // namespace docmind::server
