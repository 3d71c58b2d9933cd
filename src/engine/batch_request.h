// BatchRequest: items that were handed in together and whose answers are given together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::engine {

// A question that somebody waits for goes before documents that are read in.
enum class BatchPriority { kInteractive, kBackground };
inline constexpr size_t kBatchPriorities = 2;

// How one request wants to be treated.
struct BatchCall {
  BatchPriority priority = BatchPriority::kInteractive;
  double timeout_ms = 0;       // items not begun by then are dropped (kLimit); 0: never
  bool wait_for_room = false;  // in a full queue, where others are refused (kBusy)
};

inline constexpr double kNeverMs = std::numeric_limits<double>::infinity();

// What a BatchDispatcher knows of a request; BatchProcessor adds items and answers. Members without a
// word about threads are guarded by the dispatcher.
class BatchRequest {
 public:
  enum class State { kAlive, kCancelled, kExpired };

  BatchRequest(const BatchCall& call, CancelToken cancel, size_t n_items)
      : n_open(n_items), answered(n_items), call_(call), cancel_(std::move(cancel)) {}
  virtual ~BatchRequest() = default;
  BatchRequest(const BatchRequest&) = delete;
  BatchRequest& operator=(const BatchRequest&) = delete;

  // Answers an item that is not processed. Called by one thread at a time for each item.
  virtual void refuse(size_t index, const Error& error) = 0;
  // Whether deliver() wants to be called: once, when every item has its answer, without a lock. Such a
  // request has no waiting thread.
  [[nodiscard]] virtual bool delivers() const { return false; }
  virtual void deliver() {}

  [[nodiscard]] State state(double now_ms) const {
    if (abandoned || cancel_.cancelled()) return State::kCancelled;
    return now_ms >= deadline_ms ? State::kExpired : State::kAlive;
  }
  [[nodiscard]] const BatchCall& call() const { return call_; }

  double deadline_ms = kNeverMs;  // set when it is queued
  bool abandoned = false;         // nobody wants the answers any more
  size_t n_open;                  // items without an answer
  std::vector<bool> answered;     // by item
  std::condition_variable changed;  // for the thread that waits for the answers, if there is one

 private:
  const BatchCall call_;
  const CancelToken cancel_;
};

// One item on its way.
struct QueuedItem {
  std::shared_ptr<BatchRequest> request;
  size_t index = 0;  // in its request
  int64_t cost = 0;
  double arrived_ms = 0;
  int64_t turn = 0;     // the lowest of a priority is next
  uint64_t number = 0;  // in order of arrival
};

}  // namespace docmind::engine
