// Recommendations: what a person could change for good, computed from one moment.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "control/rules.h"

namespace docmind::control {
namespace {

constexpr double kMuchOfBudget = 0.5;    // that KV takes of the memory budget: worth a smaller format
constexpr double kFullPool = 0.9;        // of the KV budget
constexpr double kFullCache = 0.95;
constexpr double kGoodHits = 0.2;        // a cache that answers so many is worth more memory
constexpr double kFewHits = 0.02;        // and one that answers fewer is not worth much
constexpr int64_t kManyAnswers = 20;     // in the window, before hits and misses say something
constexpr int64_t kMib = 1 << 20;

using Recommendations = std::vector<Recommendation>;

double share_of(int64_t part, int64_t whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int64_t mib(double bytes) {
  return static_cast<int64_t>(std::ceil(std::min(bytes / kMib, static_cast<double>(int64_t{1} << 40))));
}

// With one decimal where it is not 0: "12 GiB", "5.3 GiB".
std::string size_words(double bytes) {
  constexpr double kStep = 1'024;
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= kStep && unit + 1 < kUnits.size(); ++unit) bytes /= kStep;
  return fmt::format("{:g} {}", std::round(bytes * 10) / 10, kUnits[unit]);
}

// The largest pool that the keys and values fill: their own budget or that of all memory.
void smaller_kv(const Moment& moment, const Setpoints& now, Recommendations& list) {
  const ControlInput& in = moment.in;
  const double of_memory = share_of(in.kv_used_bytes, in.memory_budget_bytes);
  const double of_pool = share_of(in.kv_used_bytes, in.kv_budget_bytes);
  if (of_memory < kMuchOfBudget && of_pool < kFullPool) return;
  const KvFormat configured = moment.options.configured.kv_format;
  if (configured == KvFormat::kInt4) return;
  const bool int4 = configured == KvFormat::kInt8 || std::max(of_memory, of_pool) >= moment.options.int4_memory;
  const KvFormat next = int4 ? KvFormat::kInt4 : KvFormat::kInt8;
  const bool pool = of_pool >= of_memory;
  const int64_t whole = pool ? in.kv_budget_bytes : in.memory_budget_bytes;
  const std::string name(kv_format_name(next));
  // What control has made smaller already is not counted twice.
  const double saved = static_cast<double>(in.kv_used_bytes) * (1 - kv_share(next) / kv_share(now.kv_format));
  const std::string gain = saved > 0 ? name + " for new sequences saves " + size_words(saved)
                                     : "new sequences are " + std::string(kv_format_name(now.kv_format)) +
                                           " already; with " + name + " from the start it would not get so far";
  list.push_back({.id = "kv_" + name,
                  .text = fmt::format("KV cache is {} of the {} {}; {}", percent(share_of(in.kv_used_bytes, whole)),
                                      size_words(static_cast<double>(whole)), pool ? "KV budget" : "budget", gain),
                  .setting = fmt::format("kv.format = \"{}\"", name)});
}

void shorter_context(const Moment& moment, Recommendations& list) {
  const ControlInput& in = moment.in;
  if (in.n_running <= 0 || in.kv_budget_bytes <= 0 || in.n_queued <= 0) return;
  const double each = static_cast<double>(in.kv_used_bytes) / static_cast<double>(in.n_running);
  const double share = each / static_cast<double>(in.kv_budget_bytes);
  if (share < 0.25 || share_of(in.kv_used_bytes, in.kv_budget_bytes) < moment.options.int8_memory) return;
  Recommendation advice{.id = "shorter_context", .text = {}, .setting = {}};
  advice.text = fmt::format("a text takes {} of keys and values, {} of the KV budget, while {} wait; with half the "
                            "context twice as many run at once",
                            size_words(each), percent(share), format_count(in.n_queued));
  if (in.context_tokens > 1) advice.setting = fmt::format("model.context = {}", in.context_tokens / 2);
  list.push_back(std::move(advice));
}

void larger_budget(const Moment& moment, const Setpoints& now, Recommendations& list) {
  const ControlInput& in = moment.in;
  if (in.memory_budget_bytes <= 0 || moment.memory < moment.options.high_memory) return;
  const bool at_the_end = now.kv_format == KvFormat::kInt4 || moment.memory >= moment.options.int4_memory;
  if (!at_the_end) return;
  // So much that the same load stays below the mark at which batches are halved.
  const double enough = static_cast<double>(in.memory_used_bytes) /
                        std::max(moment.options.high_memory - moment.options.hysteresis, 0.01);
  list.push_back({.id = "memory_budget",
                  .text = fmt::format("{}; with {} this load runs without halved batches", memory_words(in),
                                      size_words(enough)),
                  .setting = in.memory_name == "memory budget" ? fmt::format("memory.budget_mib = {}", mib(enough))
                                                               : std::string()});
}

void fixed_memory(const Moment& moment, Recommendations& list) {
  const ControlInput& in = moment.in;
  const int64_t fixed = in.memory_used_bytes - in.kv_used_bytes - in.cache_used_bytes;
  const double share = share_of(fixed, in.memory_budget_bytes);
  if (share < moment.options.int8_memory) return;
  list.push_back({.id = "smaller_weights",
                  .text = fmt::format("weights and work space alone take {} of the {} ({}); a model file of fewer bits "
                                      "(Q4_K instead of Q8_0 is about half) leaves room for texts",
                                      percent(share), in.memory_name, bytes_of_bytes(fixed, in.memory_budget_bytes)),
                  .setting = "model.path"});
}

void more_together(const Moment& moment, const Setpoints& now, Recommendations& list) {
  const ControlInput& in = moment.in;
  const bool full = in.n_running >= now.max_sequences && in.n_queued > 0;
  if (!full || in.memory_budget_bytes <= 0 || moment.memory >= moment.options.low_memory) return;
  if (now.max_sequences < moment.options.configured.max_sequences) return;
  list.push_back({.id = "more_sequences",
                  .text = fmt::format("{} texts run together, the most that is configured, {} wait, and {}",
                                      format_count(in.n_running), format_count(in.n_queued), memory_words(in)),
                  .setting = fmt::format("batch.sequences = {}", now.max_sequences * 2)});
}

// Questions wait although the engine has room for their texts: nobody is there to work on them.
void more_workers(const Moment& moment, const Setpoints& now, Recommendations& list) {
  const ControlInput& in = moment.in;
  const bool workers_are_the_limit = in.n_workers > 0 && in.n_running >= in.n_workers && in.n_queued > 0;
  if (!workers_are_the_limit || in.n_workers >= now.max_sequences) return;
  if (moment.memory >= moment.options.int8_memory) return;
  list.push_back({.id = "more_workers",
                  .text = fmt::format("{} wait for {}, while {} texts could be generated together",
                                      format_count(in.n_queued, "question"), format_count(in.n_workers, "worker"),
                                      format_count(now.max_sequences)),
                  .setting = fmt::format("server.workers = {}", now.max_sequences)});
}

void faster_answers(const Moment& moment, Recommendations& list) {
  const ControlInput& in = moment.in;
  const double target = moment.options.latency_target_ms;
  if (in.service_ms <= target) return;
  list.push_back({.id = "smaller_model",
                  .text = fmt::format("an answer takes {} without waiting, the target is {}; a smaller model, one of "
                                      "fewer bits, or a shorter model.max_tokens can meet it",
                                      format_ms(in.service_ms), format_ms(target)),
                  .setting = "model.path"});
}

void less_rerank(const Moment& moment, Recommendations& list) {
  const ControlInput& in = moment.in;
  const int64_t depth = moment.options.configured.rerank_depth;
  if (in.rerank_ms < moment.options.latency_target_ms / 2 || depth < 2) return;
  list.push_back({.id = "rerank_depth",
                  .text = fmt::format("reranking takes {} of a target of {}; half as many passages take half of it",
                                      format_ms(in.rerank_ms), format_ms(moment.options.latency_target_ms)),
                  .setting = fmt::format("search.rerank_depth = {}", depth / 2)});
}

void more_machine(const Moment& moment, Recommendations& list) {
  const ControlInput& in = moment.in;
  if (in.n_refused <= 0) return;
  const auto asked = static_cast<double>(in.n_refused + in.n_answered);
  list.push_back({.id = "more_capacity",
                  .text = fmt::format("{} of the last {} questions were refused ({}); more cores, a GPU or a second "
                                      "server is needed for this load",
                                      format_count(in.n_refused), format_count(in.n_refused + in.n_answered),
                                      percent(static_cast<double>(in.n_refused) / asked)),
                  .setting = {}});
}

void cache_advice(const Moment& moment, const Setpoints& now, Recommendations& list) {
  const ControlInput& in = moment.in;
  const int64_t configured = moment.options.configured.cache_memory_bytes;
  if (in.n_answered < kManyAnswers) return;
  const std::string hits = percent(in.cache_hit_rate);
  if (!in.semantic_cache && in.cache_hit_rate < kGoodHits) {
    list.push_back({.id = "semantic_cache",
                    .text = fmt::format("{} of the last {} questions were answered from the cache; with answers found "
                                        "by meaning, questions in other words can be too",
                                        hits, format_count(in.n_answered)),
                    .setting = "cache.semantic = true"});
  }
  const bool full = share_of(in.cache_used_bytes, configured) >= kFullCache;
  const bool room = moment.memory + share_of(configured, in.memory_budget_bytes) < moment.options.int8_memory;
  if (full && in.cache_hit_rate >= kGoodHits && room) {
    list.push_back({.id = "larger_cache",
                    .text = fmt::format("the answer cache is full ({}) and answers {} of the questions; there is "
                                        "memory for one of twice the size",
                                        bytes_of_bytes(in.cache_used_bytes, configured), hits),
                    .setting = fmt::format("cache.memory_mib = {}", mib(2.0 * static_cast<double>(configured)))});
  }
  const bool short_of_memory = moment.memory >= moment.options.high_memory;
  if (short_of_memory && in.cache_hit_rate < kFewHits && in.cache_used_bytes > now.cache_memory_bytes / 2) {
    list.push_back({.id = "smaller_cache",
                    .text = fmt::format("{}, of which {} hold answers that met {} of the questions", memory_words(in),
                                        size_words(static_cast<double>(in.cache_used_bytes)), hits),
                    .setting = fmt::format("cache.memory_mib = {}", std::max<int64_t>(1, configured / kMib / 2))});
  }
}

}  // namespace

std::vector<Recommendation> Controller::recommend(const ControlInput& input) const {
  const ControlInput in = clean(input);
  const Moment moment = moment_of(in, options_);
  Recommendations list;
  smaller_kv(moment, now_, list);
  shorter_context(moment, list);
  larger_budget(moment, now_, list);
  fixed_memory(moment, list);
  more_together(moment, now_, list);
  more_workers(moment, now_, list);
  faster_answers(moment, list);
  less_rerank(moment, list);
  more_machine(moment, list);
  cache_advice(moment, now_, list);
  return list;
}

}  // namespace docmind::control
