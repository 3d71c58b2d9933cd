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
  const BatchCall& call = request->call();
  if (call.timeout_ms > 0) request->deadline_ms = now_ms_() + call.timeout_ms;
  if (call.wait_for_room) DM_TRY(wait_for_room(lock, *request, costs.size()));
  if (stopped_) return stopped_error();
  if (!make_room(*request, costs.size())) {
    ++recorder_.counts.n_refused;
    return Error{ErrorCode::kBusy,
                 fmt::format("{} items wait to be processed, and {} more are beyond the limit of {}; try again in {} ms",
                             queue_.n_items(call.priority), costs.size(), queue_.options().max_queued,
                             retry_after_ms_locked())};
  }
  if (!waits) DM_TRY(start_worker());
  queue_.add(request, costs, now_ms_());
  ++recorder_.counts.n_requests;
  if (costs.empty() && !waits) deliver(lock, {request});
  // A thread that waits looks for itself whether a batch may go.
  if (!waits) pass_on();
  return {};
}

bool BatchDispatcher::make_room(const BatchRequest& request, size_t n_items) {
  const BatchPriority priority = request.call().priority;
  if (queue_.has_room(priority, n_items)) return true;
  // The thread that waits for what is dead, or the worker, finds it answered.
  Requests finished;
  refuse(queue_.remove_dead(now_ms_()), nullptr, finished);
  dead_letters_.insert(dead_letters_.end(), finished.begin(), finished.end());
  return queue_.has_room(priority, n_items);
}

}  // namespace docmind::engine
