// ControlLoop: a thread that measures once a second, lets the controller decide, applies it and keeps the trends.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/control_loop.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "pipeline/trend_values.h"

namespace docmind::pipeline {
namespace {

constexpr size_t kMaxDecisions = 1'000;

template <typename Model>
void set_batch_tokens(Model& model, int64_t max_tokens) {
  engine::BatchLimits limits = model.queue().limits();
  if (limits.max_cost == max_tokens) return;
  limits.max_cost = max_tokens;
  model.queue().set_limits(limits);
}

// The controller knows three formats; none stands for what was configured, which may be another one.
std::optional<kv::Format> format_of_new(const control::Setpoints& configured, const control::Setpoints& now) {
  if (now.kv_format == configured.kv_format) return std::nullopt;
  return now.kv_format == control::KvFormat::kInt4 ? kv::Format::kInt4 : kv::Format::kInt8;
}

ServiceRates rates_between(const ServiceSample& before, const ServiceSample& now) {
  const double seconds = (now.steady_ms - before.steady_ms) / 1'000;
  if (seconds <= 0) return {};
  const auto rate = [&](auto later, auto earlier) {
    return later > earlier ? static_cast<double>(later - earlier) / seconds : 0.0;
  };
  ServiceRates rates;
  if (now.text && before.text) {
    rates.generated = rate(now.text->n_generated, before.text->n_generated);
    rates.prompt = rate(now.text->n_prefill_tokens, before.text->n_prefill_tokens);
  }
  if (now.embedding && before.embedding) rates.embedded = rate(now.embedding->cost, before.embedding->cost);
  using monitor::Counter;
  rates.questions = rate(now.monitor.counter(Counter::kQuestions), before.monitor.counter(Counter::kQuestions));
  rates.requests = rate(now.server_count("requests"), before.server_count("requests"));
  return rates;
}

}  // namespace

Result<std::unique_ptr<ControlLoop>> ControlLoop::start(const SampleSources& sources, WorkerQueue& workers,
                                                        std::function<json::object()> server, const Logger& logger) {
  DM_ASSIGN(control::Controller controller, control::Controller::create(sources.options->control));
  return std::unique_ptr<ControlLoop>(
      new ControlLoop(sources, workers, std::move(server), logger, std::move(controller)));
}

ControlLoop::ControlLoop(const SampleSources& sources, WorkerQueue& workers, std::function<json::object()> server,
                         const Logger& logger, control::Controller controller)
    : sources_(sources),
      workers_(workers),
      server_(std::move(server)),
      logger_(logger),
      controller_(std::move(controller)),
      before_(take_sample(sources, {})),
      window_(*sources.metrics),
      trends_(trend_series()),
      setpoints_(controller_.setpoints()),
      thread_([this] { work(); }) {}

ControlLoop::~ControlLoop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ControlLoop::work() {
  const auto interval = std::chrono::milliseconds(std::max<int64_t>(1, sources_.options->control_interval_ms));
  auto next = std::chrono::steady_clock::now();
  while (true) {
    step();
    next = std::max(next + interval, std::chrono::steady_clock::now());
    std::unique_lock lock(mutex_);
    if (wake_.wait_until(lock, next, [&] { return stop_; })) return;
  }
}

void ControlLoop::step() {
  ServiceSample now = take_sample(sources_, server_());
  window_.update(static_cast<int64_t>(now.steady_ms));
  const monitor::GpuState gpu = gpu_monitor_.read();
  ServiceRates rates = rates_between(before_, now);
  if (const Result<monitor::ProcessUse> use = monitor::process_use(); use.ok()) {
    rates.cpu_cores = cpu_meter_.cores_in_use(use->cpu_ms, now.steady_ms).value_or(0);
  }
  trends_.add(now.monitor.unix_ms, trend_values(now, before_, rates, window_, gpu));
  const control::ControlInput input = control_input(now, window_, *sources_.options);
  std::vector<control::Decision> decisions;
  const control::Setpoints setpoints = controller_.step(input, &decisions);
  std::vector<control::Recommendation> recommendations = controller_.recommend(input);
  apply(setpoints);
  for (const control::Decision& decision : decisions) {
    logger_.info("{}: {} -> {}: {}; {}", decision.setting, decision.from, decision.to, decision.cause,
                 decision.effect);
  }
  before_ = std::move(now);
  const std::lock_guard lock(mutex_);
  setpoints_ = setpoints;
  rates_ = rates;
  gpu_ = gpu;
  recommendations_ = std::move(recommendations);
  keep(std::move(decisions));
}

void ControlLoop::keep(std::vector<control::Decision> decisions) {
  for (control::Decision& decision : decisions) decisions_.push_back(std::move(decision));
  while (decisions_.size() > kMaxDecisions) decisions_.pop_front();
}

// Whatever is as it was costs nothing.
void ControlLoop::apply(const control::Setpoints& to) {
  const ServiceOptions& options = *sources_.options;
  const bool changed = !(to == setpoints());
  if (changed && options.models.text != nullptr) {
    const Status set = options.models.text->set({.max_sequences = to.max_sequences,
                                                 .prefill_tokens = to.prefill_tokens,
                                                 .kv_format = format_of_new(options.control.configured, to)});
    if (!set.ok()) logger_.warn("the language model's limits stay: {}", set.error().message);
  }
  if (options.models.embedding != nullptr) set_batch_tokens(*options.models.embedding, to.embed_batch_tokens);
  if (options.models.rerank != nullptr) set_batch_tokens(*options.models.rerank, to.rerank_batch_tokens);
  workers_.set_max_waiting(std::min(options.max_waiting, static_cast<size_t>(std::max<int64_t>(0, to.max_queued))));
  // Collections share what the answers may take in memory.
  const std::vector<std::shared_ptr<CollectionImpl>> open = sources_.collections->open_ones();
  if (!changed && open.size() == n_limited_) return;
  n_limited_ = open.size();
  for (const std::shared_ptr<CollectionImpl>& collection : open) {
    if (collection->answers() == nullptr) continue;
    const Status set = collection->answers()->set_limits(
        to.cache_memory_bytes / static_cast<int64_t>(open.size()), options.answers.disk_bytes);
    if (!set.ok()) logger_.warn("the size of the answer cache stays: {}", set.error().message);
  }
}

control::Setpoints ControlLoop::setpoints() const {
  const std::lock_guard lock(mutex_);
  return setpoints_;
}

ServiceRates ControlLoop::rates() const {
  const std::lock_guard lock(mutex_);
  return rates_;
}

monitor::GpuState ControlLoop::gpu() const {
  const std::lock_guard lock(mutex_);
  return gpu_;
}

json::object ControlLoop::decisions(size_t limit) const {
  const std::lock_guard lock(mutex_);
  json::array data;
  const size_t first = decisions_.size() - std::min(limit, decisions_.size());
  for (size_t i = first; i < decisions_.size(); ++i) {
    const control::Decision& decision = decisions_[i];
    data.push_back(json::object{{"unix_ms", decision.unix_ms},
                                {"setting", decision.setting},
                                {"from", decision.from},
                                {"to", decision.to},
                                {"cause", decision.cause},
                                {"effect", decision.effect}});
  }
  json::array recommendations;
  for (const control::Recommendation& one : recommendations_) {
    recommendations.push_back(json::object{{"id", one.id}, {"text", one.text}, {"setting", one.setting}});
  }
  return {{"object", "list"},
          {"data", std::move(data)},
          {"recommendations", std::move(recommendations)},
          {"level", control::level_name(setpoints_.level)}};
}

}  // namespace docmind::pipeline
