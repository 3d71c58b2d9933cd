// take_sample: measures a service, and says what the controller is to know of it.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/take_sample.h"

#include <algorithm>

namespace docmind::pipeline {
namespace {

using monitor::Counter;
using monitor::Stage;

constexpr double kDefaultBudgetShare = 0.8;

void add_tier(std::vector<cache::TierStats>& sums, const cache::TierStats& tier) {
  const auto known = std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.name == tier.name; });
  if (known == sums.end()) {
    sums.push_back(tier);
    return;
  }
  known->hits += tier.hits;
  known->misses += tier.misses;
  known->evictions += tier.evictions;
  known->expired += tier.expired;
  known->n_entries += tier.n_entries;
  known->size_bytes += tier.size_bytes;
  known->limit_bytes += tier.limit_bytes;
  known->saved_ms += tier.saved_ms;
}

void add_answers(ServiceSample& sample, cache::AnswerCache& answers) {
  const cache::AnswerCacheStats stats = answers.stats();
  sample.answers.hits += stats.hits;
  sample.answers.misses += stats.misses;
  sample.answers.stale += stats.stale;
  sample.answers.revalidated += stats.revalidated;
  sample.answers.stored += stats.stored;
  sample.answers.near_hits += stats.near_hits;
  sample.answers.observed += stats.observed;
  sample.answers.observed_wrong += stats.observed_wrong;
  sample.answers.saved_ms += stats.saved_ms;
  sample.answers.saved_tokens += stats.saved_tokens;
  for (const cache::TierStats& tier : answers.tier_stats()) add_tier(sample.answer_tiers, tier);
}

void add_computed(ServiceSample& sample, const cache::ComputationCache& computed) {
  for (const cache::TierStats& tier : computed.tier_stats()) {
    if (tier.name == "memory") sample.computed_memory_bytes += tier.size_bytes;
  }
  for (const cache::ComputationStats& kind : computed.stats()) {
    const auto known = std::find_if(sample.computed.begin(), sample.computed.end(),
                                    [&](const auto& sum) { return sum.name == kind.name; });
    if (known == sample.computed.end()) {
      sample.computed.push_back(kind);
      continue;
    }
    known->n_hits += kind.n_hits;
    known->n_misses += kind.n_misses;
    known->saved_ms += kind.saved_ms;
  }
}

int64_t budget_of(const ServiceOptions& options, const monitor::Snapshot& snapshot) {
  if (options.memory_budget_bytes > 0) return options.memory_budget_bytes;
  const double total = snapshot.system_memory ? static_cast<double>(snapshot.system_memory->total_bytes) : 0;
  return static_cast<int64_t>(kDefaultBudgetShare * total);
}

// The tighter of the process's budget and the system's memory.
void set_memory(control::ControlInput& input, const ServiceSample& now) {
  const auto share = [](int64_t used, int64_t of) {
    return of > 0 ? static_cast<double>(used) / static_cast<double>(of) : 0;
  };
  input.memory_budget_bytes = now.memory_budget_bytes;
  if (now.monitor.process_memory) input.memory_used_bytes = now.monitor.process_memory->rss_bytes;
  if (!now.monitor.system_memory) return;
  const monitor::SystemMemory& system = *now.monitor.system_memory;
  const int64_t system_used = system.total_bytes - system.available_bytes;
  if (share(system_used, system.total_bytes) <= share(input.memory_used_bytes, input.memory_budget_bytes)) return;
  input.memory_used_bytes = system_used;
  input.memory_budget_bytes = system.total_bytes;
  input.memory_name = "system memory";
}

}  // namespace

ServiceSample take_sample(const SampleSources& sources, json::object server) {
  ServiceSample sample;
  sample.steady_ms = engine::steady_time_ms();
  sample.monitor = monitor::take_snapshot(*sources.metrics);
  sample.memory_budget_bytes = budget_of(*sources.options, sample.monitor);
  const Models& models = sources.options->models;
  if (models.text != nullptr) sample.text = models.text->stats();
  if (models.embedding != nullptr) sample.embedding = models.embedding->queue().stats();
  if (models.rerank != nullptr) sample.rerank = models.rerank->queue().stats();
  for (const std::shared_ptr<CollectionImpl>& collection : sources.collections->open_ones()) {
    if (collection->answers() != nullptr) add_answers(sample, *collection->answers());
    if (collection->computed() != nullptr) add_computed(sample, *collection->computed());
    const IndexJob job = collection->job();
    sample.n_index_runs += (job.running ? 1 : 0) + (job.queued ? 1 : 0);
  }
  sample.workers = sources.workers->counts();
  sample.server = std::move(server);
  return sample;
}

control::ControlInput control_input(const ServiceSample& now, const monitor::WindowedMetrics& window,
                                    const ServiceOptions& options) {
  control::ControlInput input;
  input.now_ms = static_cast<int64_t>(now.steady_ms);
  input.unix_ms = now.monitor.unix_ms;
  set_memory(input, now);
  input.kv_used_bytes = now.kv_used_bytes();
  input.kv_budget_bytes = now.text ? static_cast<int64_t>(now.text->kv.budget_bytes) : 0;
  input.cache_used_bytes = now.answer_memory_bytes();
  const auto questions = static_cast<double>(window.count(Counter::kQuestions));
  const auto cached = static_cast<double>(window.count(Counter::kAnswersCached));
  input.cache_hit_rate = questions > 0 ? std::min(1.0, cached / questions) : 0;
  const monitor::HistogramSummary total = window.summary(Stage::kTotalAsk);
  input.p95_ms = total.count > 0 ? total.p95_ms + window.summary(Stage::kQueue).p95_ms : 0;
  input.service_ms = total.mean_ms();
  input.rerank_ms = window.summary(Stage::kRerank).mean_ms();
  input.prefill_ms = window.summary(Stage::kPrefill).mean_ms();
  input.n_answered = static_cast<int64_t>(total.count);
  input.n_queued = now.n_queued();
  input.n_running = now.n_running();
  // Of every queue: the server counts each refusal once, when it has answered it.
  input.n_refused = static_cast<int64_t>(window.count(Counter::kRequestsRefused));
  input.n_workers = static_cast<int64_t>(options.n_workers);
  input.context_tokens = options.models.text != nullptr ? options.models.text->n_context() : 0;
  input.semantic_cache = options.use_cache && options.answers.near.enabled;
  return input;
}

}  // namespace docmind::pipeline
