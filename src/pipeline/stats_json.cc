// The object of /v1/stats.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stats_json.h"

#include <algorithm>

#include "base/text.h"

namespace docmind::pipeline {
namespace {

using monitor::Counter;
using monitor::Stage;

int64_t file_bytes(const Models& models) {
  int64_t bytes = 0;
  if (models.text != nullptr) bytes += static_cast<int64_t>(models.text->info().file_bytes);
  if (models.embedding != nullptr) bytes += static_cast<int64_t>(models.embedding->info().file_bytes);
  if (models.rerank != nullptr) bytes += static_cast<int64_t>(models.rerank->info().file_bytes);
  return bytes;
}

json::object memory_json(const ServiceSample& sample, const ServiceOptions& options) {
  const monitor::ProcessMemory process = sample.monitor.process_memory.value_or(monitor::ProcessMemory{});
  const monitor::SystemMemory system = sample.monitor.system_memory.value_or(monitor::SystemMemory{});
  const double share = sample.memory_budget_bytes > 0 ? static_cast<double>(process.rss_bytes) /
                                                            static_cast<double>(sample.memory_budget_bytes)
                                                      : 0;
  return {{"rss_bytes", process.rss_bytes},
          {"peak_rss_bytes", process.peak_rss_bytes},
          {"budget_bytes", sample.memory_budget_bytes},
          {"used_share", share},
          {"system_total_bytes", system.total_bytes},
          {"system_available_bytes", system.available_bytes},
          {"limited_by_cgroup", system.limited_by_cgroup},
          {"parts", json::object{{"weights_bytes", file_bytes(options.models)},
                                 {"kv_bytes", sample.text ? static_cast<int64_t>(sample.text->kv.resident_bytes) : 0},
                                 {"answer_cache_bytes", sample.answer_memory_bytes()},
                                 {"computed_cache_bytes", sample.computed_memory_bytes}}}};
}

json::object process_json(const ServiceRates& rates) {
  json::object object{{"cpu_cores", rates.cpu_cores}};
  if (const Result<monitor::ProcessUse> use = monitor::process_use(); use.ok()) {
    object["threads"] = use->n_threads;
    object["open_files"] = use->n_open_files;
  }
  return object;
}

json::object gpu_json(const monitor::GpuState& gpu) {
  json::array devices;
  for (const monitor::GpuDevice& device : gpu.devices) {
    devices.push_back(json::object{
        {"name", device.name},
        {"total_bytes", device.total_bytes},
        {"used_bytes", device.used_bytes},
        {"utilisation", device.utilisation ? json::value(*device.utilisation) : json::value()},
        {"temperature_c", device.temperature_c ? json::value(*device.temperature_c) : json::value()}});
  }
  return {{"present", gpu.present()}, {"reason", gpu.reason}, {"devices", std::move(devices)}};
}

template <typename SummaryOf>
json::object stages_json(SummaryOf&& summary_of) {
  json::object stages;
  for (size_t i = 0; i < monitor::kStageCount; ++i) {
    const auto stage = static_cast<Stage>(i);
    const monitor::HistogramSummary summary = summary_of(stage);
    if (summary.count > 0) stages[monitor::stage_name(stage)] = summary_json(summary);
  }
  return stages;
}

json::object questions_json(const ServiceSample& sample, const ServiceRates& rates) {
  return {{"total", sample.monitor.counter(Counter::kQuestions)},
          {"failed", sample.monitor.counter(Counter::kQuestionsFailed)},
          {"declined", sample.monitor.counter(Counter::kAnswersDeclined)},
          {"cached", sample.monitor.counter(Counter::kAnswersCached)},
          {"shared", sample.monitor.counter(Counter::kAnswersShared)},
          {"per_s", rates.questions},
          {"waiting", sample.workers.n_waiting},
          {"running", sample.workers.n_running},
          {"refused", sample.workers.n_refused}};
}

json::object tokens_json(const ServiceSample& sample, const ServiceRates& rates) {
  return {{"prompt_total", sample.text ? sample.text->n_prefill_tokens : 0},
          {"generated_total", sample.text ? sample.text->n_generated : 0},
          {"embedded_total", sample.embedding ? sample.embedding->cost : 0},
          {"prompt_per_s", rates.prompt},
          {"generated_per_s", rates.generated},
          {"embedded_per_s", rates.embedded}};
}

json::value kv_json(const ServiceSample& sample, const control::Setpoints& setpoints) {
  if (!sample.text) return nullptr;
  const kv::CacheStats& kv = sample.text->kv;
  const double hit_rate = kv.n_lookup_tokens > 0
                              ? static_cast<double>(kv.n_hit_tokens) / static_cast<double>(kv.n_lookup_tokens)
                              : 0;
  json::array formats;
  for (const kv::FormatUse& use : sample.text->kv_formats) {
    formats.push_back(json::object{{"format", kv::format_name(use.format)},
                                   {"sequences", use.n_sequences},
                                   {"used_bytes", static_cast<int64_t>(use.referenced_bytes)},
                                   {"held_bytes", static_cast<int64_t>(use.held_bytes)}});
  }
  return json::object{{"format", control::kv_format_name(setpoints.kv_format)},
                      {"formats", std::move(formats)},
                      {"used_bytes", static_cast<int64_t>(kv.referenced_bytes)},
                      {"held_bytes", static_cast<int64_t>(kv.held_bytes)},
                      {"resident_bytes", static_cast<int64_t>(kv.resident_bytes)},
                      {"budget_bytes", static_cast<int64_t>(kv.budget_bytes)},
                      {"blocks", kv.n_blocks},
                      {"pages", kv.n_pages},
                      {"sequences", kv.n_sequences},
                      {"prefix_hit_rate", hit_rate},
                      {"evicted_blocks", kv.n_evicted_blocks},
                      {"preempted", sample.text->n_preempted}};
}

json::object batch_json(const ServiceSample& sample, const control::Setpoints& setpoints) {
  const auto encoder = [](const std::optional<engine::BatchStats>& stats) {
    return stats ? json::object{{"mean", stats->batch_items.mean},
                                {"fill", stats->fill.mean},
                                {"wait_ms", stats->wait_ms.mean},
                                {"limit_tokens", stats->limits.max_cost}}
                 : json::object{{"mean", nullptr}, {"fill", nullptr}};
  };
  json::object generate{{"mean", nullptr}, {"limit", setpoints.max_sequences}};
  if (sample.text) generate["mean"] = sample.text->mean_batch();
  return {{"generate", std::move(generate)}, {"embed", encoder(sample.embedding)}, {"rerank", encoder(sample.rerank)}};
}

json::object queue_json(const ServiceSample& sample) {
  return {{"generate", sample.text ? sample.text->n_queued : 0},
          {"embed", sample.embedding ? sample.embedding->n_queued : 0},
          {"rerank", sample.rerank ? sample.rerank->n_queued : 0},
          {"questions", sample.workers.n_waiting},
          {"index", sample.n_index_runs}};
}

json::object cache_json(const ServiceSample& sample) {
  const auto hits = static_cast<double>(sample.monitor.counter(Counter::kAnswersCached));
  const auto questions = static_cast<double>(sample.monitor.counter(Counter::kQuestions));
  return {{"hit_rate", questions > 0 ? std::min(1.0, hits / questions) : 0},
          {"answers", answers_json(sample.answers, sample.answer_tiers)},
          {"computed", computed_json(sample.computed)}};
}

// With the fields of a model of this process, so that readers need not tell them apart.
json::object remote_json(const RemoteModel& model) {
  const providers::UpstreamOptions& options = model.upstream->options();
  const providers::UpstreamCounts counts = model.upstream->counts();
  return {{"role", model.role},
          {"name", model.name},
          {"architecture", providers::upstream_kind_name(options.spec.kind)},
          {"weights", nullptr},
          {"bytes", 0},
          {"context", options.n_context},
          {"upstream", json::object{{"url", to_valid_utf8(options.spec.url)},
                                    {"requests", counts.n_requests},
                                    {"failures", counts.n_failures},
                                    {"retries", counts.n_retries},
                                    {"refused_by_breaker", counts.n_refused_by_breaker},
                                    {"truncated", counts.n_truncated},
                                    {"in_flight", counts.n_in_flight},
                                    {"connections_made", counts.n_connections_made},
                                    {"breaker_open", counts.open}}}};
}

json::array models_json(const Models& models) {
  json::array list;
  const auto add = [&](std::string_view role, const std::string& name, const engine::ModelInfo& info,
                       int64_t n_context) {
    list.push_back(json::object{{"role", role},
                                {"name", name.empty() ? info.name : name},
                                {"architecture", info.architecture},
                                {"weights", info.name},
                                {"bytes", info.file_bytes},
                                {"context", n_context},
                                {"instructions", info.isa},
                                {"threads", info.n_threads}});
  };
  if (models.text != nullptr) add("text", models.text_name, models.text->info(), models.text->n_context());
  if (models.embedding != nullptr) {
    add("embedding", models.embedding_name, models.embedding->info(), models.embedding->encoder().config().n_context);
  }
  if (models.rerank != nullptr) {
    add("rerank", models.rerank_name, models.rerank->info(), models.rerank->encoder().config().n_context);
  }
  for (const RemoteModel& model : models.remote) list.push_back(remote_json(model));
  return list;
}

}  // namespace

json::object summary_json(const monitor::HistogramSummary& summary) {
  return {{"count", summary.count},     {"p50_ms", summary.p50_ms}, {"p90_ms", summary.p90_ms},
          {"p95_ms", summary.p95_ms},   {"p99_ms", summary.p99_ms}, {"mean_ms", summary.mean_ms()},
          {"max_ms", summary.max_ms}};
}

json::object setpoints_json(const control::Setpoints& setpoints) {
  return {{"level", control::level_name(setpoints.level)},
          {"kv_format", control::kv_format_name(setpoints.kv_format)},
          {"max_sequences", setpoints.max_sequences},
          {"prefill_tokens", setpoints.prefill_tokens},
          {"embed_batch_tokens", setpoints.embed_batch_tokens},
          {"rerank_batch_tokens", setpoints.rerank_batch_tokens},
          {"cache_memory_bytes", setpoints.cache_memory_bytes},
          {"max_queued", setpoints.max_queued},
          {"rerank_depth", setpoints.rerank_depth},
          {"context_passages", setpoints.context_passages}};
}

json::object answers_json(const cache::AnswerCacheStats& stats, std::span<const cache::TierStats> tiers) {
  json::array list;
  for (const cache::TierStats& tier : tiers) {
    list.push_back(json::object{{"name", tier.name},
                                {"entries", tier.n_entries},
                                {"bytes", tier.size_bytes},
                                {"limit_bytes", tier.limit_bytes},
                                {"hits", tier.hits},
                                {"misses", tier.misses},
                                {"evictions", tier.evictions},
                                {"expired", tier.expired}});
  }
  return {{"hits", stats.hits},
          {"misses", stats.misses},
          {"near_hits", stats.near_hits},
          {"stale", stats.stale},
          {"revalidated", stats.revalidated},
          {"stored", stats.stored},
          {"observed", stats.observed},
          {"observed_wrong", stats.observed_wrong},
          {"saved_ms", stats.saved_ms},
          {"saved_tokens", stats.saved_tokens},
          {"tiers", std::move(list)}};
}

json::object computed_json(std::span<const cache::ComputationStats> kinds) {
  json::object object;
  for (const cache::ComputationStats& kind : kinds) {
    object[kind.name] = json::object{{"hits", kind.n_hits}, {"misses", kind.n_misses}, {"saved_ms", kind.saved_ms}};
  }
  return object;
}

json::object stats_json(const ServiceSample& sample, const StatsContext& context) {
  const ServiceOptions& options = *context.options;
  const ControlLoop& control = *context.control;
  const control::Setpoints setpoints = control.setpoints();
  const ServiceRates rates = control.rates();
  json::object server = sample.server;
  server["requests_per_s"] = rates.requests;
  return {{"unix_ms", sample.monitor.unix_ms},
          {"version", options.version},
          {"uptime_s", sample.uptime_s},
          {"collection_default", json::object{{"documents", context.n_documents}, {"chunks", context.n_chunks}}},
          {"memory", memory_json(sample, options)},
          {"process", process_json(rates)},
          {"gpu", gpu_json(sample.gpu)},
          {"stages", stages_json([&](Stage stage) { return sample.monitor.stage(stage); })},
          {"window", stages_json([&](Stage stage) { return control.window().summary(stage); })},
          {"server", std::move(server)},
          {"questions", questions_json(sample, rates)},
          {"tokens", tokens_json(sample, rates)},
          {"kv", kv_json(sample, setpoints)},
          {"cache", cache_json(sample)},
          {"batch", batch_json(sample, setpoints)},
          {"queue", queue_json(sample)},
          {"models", models_json(options.models)},
          {"quality", options.quality},
          {"latency_target_ms", options.control.latency_target_ms},
          {"setpoints", setpoints_json(setpoints)},
          {"configured", setpoints_json(options.control.configured)}};
}

}  // namespace docmind::pipeline
