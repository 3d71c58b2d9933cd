// BatchDispatcher: the threads' side of batching: who waits, who runs the next batch, who is woken.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/error.h"
#include "engine/batch_queue.h"
#include "engine/batch_request.h"
#include "engine/batch_stats.h"

namespace docmind::engine {

// Monotonic time in milliseconds; tests hand in their own. Called from any thread.
using BatchClock = std::function<double()>;
[[nodiscard]] double steady_time_ms();

struct BatchOptions {
  BatchLimits limits;
  BatchQueueOptions queue;
  BatchClock now_ms = steady_time_ms;
};

// One batch runs at a time, on a thread that waits for answers: a caller alone runs its own items
// without a change of threads, and of several callers one works for all. A thread of its own, started
// by the first request that nobody may be waiting for, runs the others.
//
// Every member may be called from any thread.
class BatchDispatcher {
 public:
  struct Ran {
    size_t n_failed = 0;   // items that got an error
    bool retried = false;  // they were done one by one
  };
  // Answers each item of a batch; must not throw.
  using Run = std::function<Ran(std::span<const QueuedItem> batch)>;

  BatchDispatcher(Run run, const BatchOptions& options);
  ~BatchDispatcher();
  BatchDispatcher(const BatchDispatcher&) = delete;
  BatchDispatcher& operator=(const BatchDispatcher&) = delete;

  // kBusy when the queue is full (see retry_after_ms), kCancelled after stop(). `waits` promises that
  // the caller goes on to wait().
  [[nodiscard]] Status enqueue(const std::shared_ptr<BatchRequest>& request, std::span<const int64_t> costs,
                               bool waits);
  // Until all items are answered; or until the request is cancelled, and returns then which of its items
  // are answered (no other answer may be looked at). One thread waits for a request, once.
  [[nodiscard]] std::optional<std::vector<bool>> wait(BatchRequest& request);
  [[nodiscard]] bool is_answered(const BatchRequest& request) const;
  // Drops what was not begun; there will be no delivery.
  void abandon(BatchRequest& request);

  // From the next batch on.
  void set_limits(const BatchLimits& limits);
  [[nodiscard]] BatchLimits limits() const;
  // In how many milliseconds what is queued now will be done, by the speed of the last batches.
  [[nodiscard]] int64_t retry_after_ms() const;
  [[nodiscard]] BatchStats stats() const;

  // Queued items end with kCancelled, a running batch with its answers; returns when no thread works here
  // any more. Not from within Run or a delivery.
  void stop();

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Requests = std::vector<std::shared_ptr<BatchRequest>>;

  Status make_room(Lock& lock, const BatchRequest& request, size_t n_items);
  Error full_error(BatchPriority priority, size_t n_items);
  Status start_worker();
  void worker();
  // Runs a batch if one may go; true if anything was done.
  bool step(Lock& lock);
  void run(Lock& lock, std::span<const QueuedItem> batch, double started_ms, Requests& finished);
  // Without a reason, the state of each request is one.
  void refuse(std::span<const QueuedItem> items, const Error* reason, Requests& finished);
  void drop(BatchRequest& request, const Error& reason);
  void close(const QueuedItem& item, Requests& finished);
  void deliver(Lock& lock, const Requests& finished);
  void finish_work();
  // Wakes a thread for what is queued, if none runs. Whoever leaves, or hands in and leaves, calls this.
  void pass_on();
  // Until it is woken, a batch may go, or `longest_ms` are over.
  void sleep(Lock& lock, std::condition_variable& wake, double longest_ms);
  [[nodiscard]] double retry_ms() const;

  const Run run_;
  const BatchClock now_ms_;

  mutable std::mutex mutex_;  // guards what follows, and the requests
  BatchLimits limits_;
  BatchQueue queue_;
  BatchRecorder recorder_;
  bool running_ = false;  // a batch
  bool stopped_ = false;
  size_t n_working_ = 0;  // threads that run or deliver
  std::list<BatchRequest*> waiting_;  // whose threads may run a batch; the longest there first
  std::condition_variable room_;
  std::condition_variable worker_wake_;
  std::condition_variable idle_;  // n_working_ is 0
  std::thread worker_;
};

}  // namespace docmind::engine
