// Scheduler: the thread that generates all texts of a model together; requests in, tokens out.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler.h"

#include <future>
#include <utility>

#include <fmt/format.h>

namespace docmind::engine {
namespace {

Error closed() { return Error{ErrorCode::kCancelled, "the model is being closed"}; }

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::start(const SchedulerParts& parts) {
  std::unique_ptr<Scheduler> scheduler(new Scheduler(parts));
  DM_ASSIGN(scheduler->core_, SchedulerCore::create(parts, scheduler->meter_));
  scheduler->thread_ = std::thread([self = scheduler.get()] { self->run(); });
  return scheduler;
}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<TextStream>> Scheduler::submit(TextRequest request) {
  DM_ASSIGN(std::vector<std::unique_ptr<TextStream>> streams, submit_many(std::move(request), 1));
  return std::move(streams.front());
}

Status Scheduler::take_places(int64_t n) {
  meter_.n_submitted += n;
  const auto max_queued = static_cast<int64_t>(parts_.options.max_queued);
  if (meter_.n_waiting.fetch_add(n) + n <= max_queued) return {};
  meter_.n_waiting -= n;
  meter_.n_refused += n;
  if (n > max_queued) {
    return Error{ErrorCode::kLimit, fmt::format("{} texts of a prompt are wanted at once, and {} requests may wait at "
                                                "most", n, max_queued)};
  }
  return Error{ErrorCode::kBusy, fmt::format("{} requests wait already; try again in {} ms", meter_.n_waiting.load(),
                                             retry_after_ms())};
}

Result<std::vector<std::unique_ptr<TextStream>>> Scheduler::submit_many(TextRequest request, int64_t n) {
  DM_TRY(check(request, {.n_vocab = parts_.decoder->config().n_vocab, .n_context = parts_.n_context}));
  DM_TRY(core_->check_fits(static_cast<int64_t>(request.prompt.size()), request.kv_format.value_or(new_format_)));
  if (n < 1) return Error{ErrorCode::kInvalidArgument, fmt::format("{} texts of a prompt cannot be made", n)};
  DM_TRY(take_places(n));
  if (request.options.grammar) core_->constraints().prepare();
  const auto shared = n > 1 && parts_.cache.share_prefixes ? std::make_shared<SharedPrompt>() : nullptr;
  std::vector<std::unique_ptr<ScheduledText>> texts;
  std::vector<std::unique_ptr<TextStream>> streams;
  for (int64_t i = 0; i < n; ++i) {
    auto state = std::make_shared<StreamState>(request.on_ready);
    streams.push_back(std::make_unique<TextStream>(state));
    texts.push_back(std::make_unique<ScheduledText>(request, std::move(state), *parts_.tokenizer, parts_.now()));
    texts.back()->shared_prompt = shared;
    ++request.options.sampling.seed;
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return closed();
    for (auto& text : texts) arrived_.push_back(std::move(text));
  }
  wake_.notify_all();
  return streams;
}

bool Scheduler::post(Call call) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    calls_.push_back(std::move(call));
  }
  wake_.notify_all();
  return true;
}

Status Scheduler::set(const SchedulerSetpoints& setpoints) {
  DM_TRY(core_->check_format(setpoints.kv_format));
  new_format_ = setpoints.kv_format.value_or(parts_.cache.format.format);
  (void)post([setpoints](SchedulerCore* core) {
    if (core != nullptr) static_cast<void>(core->set(setpoints));  // it was checked
  });
  return {};
}

std::string Scheduler::kv_settings() const {
  kv::FormatOptions options = parts_.cache.format;
  options.format = new_format_;
  return kv::format_settings(options);
}

template <typename T>
Result<T> Scheduler::ask(std::function<Result<T>(SchedulerCore&)> question) {
  auto answer = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = answer->get_future();
  const bool posted = post([answer, question = std::move(question)](SchedulerCore* core) {
    answer->set_value(core == nullptr ? Result<T>(closed()) : question(*core));
  });
  return posted ? future.get() : Result<T>(closed());
}

Status Scheduler::save_prefixes(const std::string& path, size_t max_bytes) {
  return ask<void>([&](SchedulerCore& core) { return core.caches().configured().save(path, max_bytes); });
}

Result<int64_t> Scheduler::restore_prefixes(const std::string& path) {
  return ask<int64_t>([&](SchedulerCore& core) { return core.caches().configured().load(path); });
}

void Scheduler::run() {
  std::vector<std::unique_ptr<ScheduledText>> arrived;
  std::vector<Call> calls;
  bool stopping = false;
  for (bool busy = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      if (!busy) wake_.wait(lock, [this] { return stopping_ || !arrived_.empty() || !calls_.empty(); });
      arrived.swap(arrived_);
      calls.swap(calls_);
      stopping = stopping_;
    }
    for (auto& text : arrived) core_->push(std::move(text));
    arrived.clear();
    for (const Call& call : calls) call(stopping ? nullptr : core_.get());
    calls.clear();
    busy = !stopping && core_->step();
  }
  core_->stop();
}

}  // namespace docmind::engine
