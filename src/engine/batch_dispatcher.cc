// BatchDispatcher: the threads' side of batching: who waits, who runs the next batch, who is woken.
// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_dispatcher.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace docmind::engine {
namespace {

constexpr double kPollMs = 10;             // how soon a waiting thread sees that it is cancelled
constexpr double kUnknownRetryMs = 100;    // before anything was measured
constexpr double kLongestRetryMs = 60'000;

Error stopped_error() { return {ErrorCode::kCancelled, "the batches were stopped before the item was processed"}; }
Error cancelled_error() { return {ErrorCode::kCancelled, "the request was cancelled before it was processed"}; }
Error expired_error(const BatchRequest& request) {
  return {ErrorCode::kLimit, fmt::format("the item was not begun within its {} ms", request.call().timeout_ms)};
}

}  // namespace

double steady_time_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(since).count();
}

BatchDispatcher::BatchDispatcher(Run run, const BatchOptions& options)
    : run_(std::move(run)), now_ms_(options.now_ms), limits_(options.limits), queue_(options.queue) {}

BatchDispatcher::~BatchDispatcher() { stop(); }

Status BatchDispatcher::enqueue(const std::shared_ptr<BatchRequest>& request, std::span<const int64_t> costs,
                                bool waits) {
  Lock lock(mutex_);
  if (request->call().timeout_ms > 0) request->deadline_ms = now_ms_() + request->call().timeout_ms;
  DM_TRY(make_room(lock, *request, costs.size()));
  if (!waits) DM_TRY(start_worker());
  queue_.add(request, costs, now_ms_());
  ++recorder_.counts.n_requests;
  // A thread that waits looks for itself whether a batch may go.
  if (waits) return {};
  pass_on();
  if (costs.empty() && request->delivers()) deliver(lock, {request});
  return {};
}

Status BatchDispatcher::make_room(Lock& lock, const BatchRequest& request, size_t n_items) {
  const BatchCall& call = request.call();
  while (!stopped_) {
    if (queue_.has_room(call.priority, n_items)) return {};
    Requests finished;
    refuse(queue_.remove_dead(now_ms_()), nullptr, finished);
    deliver(lock, finished);
    if (stopped_) break;
    if (queue_.has_room(call.priority, n_items)) return {};
    if (!call.wait_for_room) return full_error(call.priority, n_items);
    const BatchRequest::State state = request.state(now_ms_());
    if (state == BatchRequest::State::kCancelled) return cancelled_error();
    if (state == BatchRequest::State::kExpired) return expired_error(request);
    if (!step(lock)) sleep(lock, room_, kPollMs);
  }
  return stopped_error();
}

Error BatchDispatcher::full_error(BatchPriority priority, size_t n_items) {
  ++recorder_.counts.n_refused;
  return {ErrorCode::kBusy,
          fmt::format("{} items wait to be processed, and {} more are beyond the limit of {}; try again in {:.0f} ms",
                      queue_.n_items(priority), n_items, queue_.options().max_queued, retry_ms())};
}

std::optional<std::vector<bool>> BatchDispatcher::wait(BatchRequest& request) {
  Lock lock(mutex_);
  const auto place = waiting_.insert(waiting_.end(), &request);
  std::optional<std::vector<bool>> left;
  while (request.n_open > 0) {
    const BatchRequest::State state = request.state(now_ms_());
    if (state == BatchRequest::State::kCancelled) {
      left = request.answered;
      request.abandoned = true;
      drop(request, cancelled_error());
      break;
    }
    if (state == BatchRequest::State::kExpired) drop(request, expired_error(request));
    if (!step(lock) && request.n_open > 0) sleep(lock, request.changed, kPollMs);
  }
  waiting_.erase(place);
  pass_on();
  return left;
}

bool BatchDispatcher::is_answered(const BatchRequest& request) const {
  const Lock lock(mutex_);
  return request.n_open == 0;
}

void BatchDispatcher::abandon(BatchRequest& request) {
  const Lock lock(mutex_);
  request.abandoned = true;
  drop(request, cancelled_error());
}

// Its queued items are answered with the reason.
void BatchDispatcher::drop(BatchRequest& request, const Error& reason) {
  if (request.n_open == 0) return;
  Requests finished;  // nobody is waiting for a delivery: a request has either that or a waiting thread
  refuse(queue_.remove(request), &reason, finished);
}

bool BatchDispatcher::step(Lock& lock) {
  if (running_) return false;
  const double now_ms = now_ms_();
  if (now_ms < queue_.ready_at_ms(limits_)) return false;
  const BatchQueue::Taken taken = queue_.take(limits_, now_ms);
  Requests finished;
  refuse(taken.dead, nullptr, finished);
  if (!taken.batch.empty()) run(lock, taken.batch, now_ms, finished);
  if (!finished.empty()) pass_on();  // the next batch does not wait for the deliveries
  deliver(lock, finished);
  return true;
}

void BatchDispatcher::run(Lock& lock, std::span<const QueuedItem> batch, double started_ms, Requests& finished) {
  const BatchLimits limits = limits_;
  running_ = true;
  ++n_working_;
  room_.notify_all();
  lock.unlock();
  const Ran ran = run_(batch);
  lock.lock();
  running_ = false;
  recorder_.batch(batch, limits, started_ms, now_ms_() - started_ms);
  recorder_.counts.n_failed += ran.n_failed;
  recorder_.counts.n_retried += ran.retried ? 1 : 0;
  for (const QueuedItem& item : batch) close(item, finished);
  finish_work();
}

void BatchDispatcher::refuse(std::span<const QueuedItem> items, const Error* reason, Requests& finished) {
  for (const QueuedItem& item : items) {
    BatchRequest& request = *item.request;
    const bool expired = reason == nullptr && request.state(now_ms_()) == BatchRequest::State::kExpired;
    const Error error = reason != nullptr ? *reason : expired ? expired_error(request) : cancelled_error();
    ++(error.code == ErrorCode::kLimit ? recorder_.counts.n_expired : recorder_.counts.n_cancelled);
    request.refuse(item.index, error);
    close(item, finished);
  }
  if (!items.empty()) room_.notify_all();
}

void BatchDispatcher::close(const QueuedItem& item, Requests& finished) {
  BatchRequest& request = *item.request;
  request.answered[item.index] = true;
  if (--request.n_open > 0) return;
  request.changed.notify_all();
  if (request.delivers() && !request.abandoned) finished.push_back(item.request);
}

void BatchDispatcher::deliver(Lock& lock, const Requests& finished) {
  if (finished.empty()) return;
  ++n_working_;
  lock.unlock();
  for (const auto& request : finished) request->deliver();
  lock.lock();
  finish_work();
}

void BatchDispatcher::finish_work() {
  if (--n_working_ == 0) idle_.notify_all();
}

void BatchDispatcher::pass_on() {
  if (running_ || queue_.empty()) return;
  if (!waiting_.empty()) {
    waiting_.front()->changed.notify_all();
  } else {
    worker_wake_.notify_all();
  }
}

void BatchDispatcher::sleep(Lock& lock, std::condition_variable& wake, double longest_ms) {
  const double ready_in_ms = running_ ? kNeverMs : queue_.ready_at_ms(limits_) - now_ms_();
  const double ms = std::min(longest_ms, ready_in_ms);
  if (ms <= 0) return;
  if (ms == kNeverMs) {
    wake.wait(lock);
  } else {
    wake.wait_for(lock, std::chrono::duration<double, std::milli>(ms));
  }
}

Status BatchDispatcher::start_worker() {
  if (worker_.joinable()) return {};
  try {
    worker_ = std::thread([this] { worker(); });
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kLimit, fmt::format("no thread can be started for batches: {}", error.what())};
  }
  return {};
}

void BatchDispatcher::worker() {
  Lock lock(mutex_);
  while (!stopped_) {
    if (!step(lock)) sleep(lock, worker_wake_, kNeverMs);
  }
}

void BatchDispatcher::set_limits(const BatchLimits& limits) {
  const Lock lock(mutex_);
  limits_ = limits;
  pass_on();
}

BatchLimits BatchDispatcher::limits() const {
  const Lock lock(mutex_);
  return limits_;
}

double BatchDispatcher::retry_ms() const {
  const double ms_per_cost = recorder_.ms_per_cost();
  if (ms_per_cost <= 0) return kUnknownRetryMs;
  return std::clamp(std::ceil(static_cast<double>(queue_.cost()) * ms_per_cost), 1.0, kLongestRetryMs);
}

int64_t BatchDispatcher::retry_after_ms() const {
  const Lock lock(mutex_);
  return static_cast<int64_t>(retry_ms());
}

BatchStats BatchDispatcher::stats() const {
  const Lock lock(mutex_);
  BatchStats stats = recorder_.snapshot();
  stats.n_queued = queue_.n_items();
  stats.queued_cost = queue_.cost();
  stats.limits = limits_;
  return stats;
}

void BatchDispatcher::stop() {
  Lock lock(mutex_);
  stopped_ = true;
  Requests finished;
  const Error reason = stopped_error();
  refuse(queue_.remove_all(), &reason, finished);
  room_.notify_all();
  worker_wake_.notify_all();
  deliver(lock, finished);
  idle_.wait(lock, [&] { return n_working_ == 0; });
  std::thread worker = std::move(worker_);
  lock.unlock();
  if (worker.joinable()) worker.join();
}

}  // namespace docmind::engine
