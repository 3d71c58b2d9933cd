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
  DM_TRY(check(request, {.n_vocab = parts_.decoder->config().n_vocab, .n_context = parts_.n_context}));
  DM_TRY(core_->check_fits(static_cast<int64_t>(request.prompt.size())));
  ++meter_.n_submitted;
  const auto max_queued = static_cast<int64_t>(parts_.options.max_queued);
  if (meter_.n_waiting.fetch_add(1) >= max_queued) {
    --meter_.n_waiting;
    ++meter_.n_refused;
    return Error{ErrorCode::kBusy, fmt::format("{} requests wait already; try again in {} ms", max_queued,
                                               retry_after_ms())};
  }
  auto state = std::make_shared<StreamState>(std::move(request.on_ready));
  auto text = std::make_unique<ScheduledText>(std::move(request), state, *parts_.tokenizer, parts_.now());
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return closed();
    arrived_.push_back(std::move(text));
  }
  wake_.notify_all();
  return std::make_unique<TextStream>(std::move(state));
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

void Scheduler::set(const SchedulerSetpoints& setpoints) {
  (void)post([setpoints](SchedulerCore* core) {
    if (core != nullptr) core->set(setpoints);
  });
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
  return ask<void>([&](SchedulerCore& core) { return core.cache().save(path, max_bytes); });
}

Result<int64_t> Scheduler::restore_prefixes(const std::string& path) {
  return ask<int64_t>([&](SchedulerCore& core) { return core.cache().load(path); });
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
