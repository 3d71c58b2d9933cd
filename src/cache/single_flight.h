// SingleFlight: identical requests in flight share one computation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/key_hash.h"
#include "cache/tier.h"

namespace docmind::cache {

// May be called from several threads at once; `T` is copied to each caller. A computation must not
// ask the same SingleFlight for its own key: it would wait for itself.
template <typename T>
class SingleFlight {
 public:
  struct Outcome {
    T value;
    bool shared = false;  // computed by another caller
  };

  // The first caller of a key, its leader, runs `compute() -> Result<T>` on its own thread; those
  // who come meanwhile wait for it and get its value. When the leader fails or is cancelled, the
  // error is its own alone: one of those who wait computes in its place, and the others wait for
  // that one. A waiting caller whose `cancel` is raised leaves with kCancelled within kPollMs and
  // disturbs nobody. Nothing is kept afterwards: the next caller computes again, so look into the
  // cache within `compute` too.
  template <typename Compute>
  [[nodiscard]] Result<Outcome> run(const CacheKey& key, const CancelToken& cancel,
                                    Compute&& compute) {
    while (true) {
      const auto [flight, leads] = join(key);
      if (leads) return lead(key, flight, std::forward<Compute>(compute));
      DM_ASSIGN(std::optional<T> value, wait(*flight, cancel));
      if (value) return Outcome{*std::move(value), true};
    }
  }

  // Keys being computed now.
  [[nodiscard]] size_t n_in_flight() const {
    std::lock_guard lock(mutex_);
    return flights_.size();
  }
  // Callers that wait for another's computation now.
  [[nodiscard]] size_t n_waiting() const { return n_waiting_; }

 private:
  static constexpr int kPollMs = 10;

  struct Flight {
    std::mutex mutex;
    std::condition_variable landed;
    bool done = false;
    std::optional<T> value;  // none: the leader failed
  };
  struct Joined {
    std::shared_ptr<Flight> flight;
    bool leads = false;
  };

  Joined join(const CacheKey& key) {
    std::lock_guard lock(mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    const bool leads = flight == nullptr;
    if (leads) flight = std::make_shared<Flight>();
    return {flight, leads};
  }

  // Lands on destruction, so that nobody waits for ever should `compute` throw after all.
  struct Landing {
    SingleFlight& owner;
    const CacheKey& key;
    Flight& flight;
    std::optional<T> value;
    ~Landing() {
      {
        std::lock_guard lock(owner.mutex_);
        owner.flights_.erase(key);
      }
      {
        std::lock_guard lock(flight.mutex);
        flight.value = std::move(value);
        flight.done = true;
      }
      flight.landed.notify_all();
    }
  };

  template <typename Compute>
  Result<Outcome> lead(const CacheKey& key, const std::shared_ptr<Flight>& flight,
                       Compute&& compute) {
    Landing landing{*this, key, *flight, std::nullopt};
    DM_ASSIGN(T value, std::forward<Compute>(compute)());
    landing.value = value;
    return Outcome{std::move(value), false};
  }

  // What the leader computed; none: it failed.
  Result<std::optional<T>> wait(Flight& flight, const CancelToken& cancel) {
    ++n_waiting_;
    std::unique_lock lock(flight.mutex);
    while (!flight.done && !cancel.cancelled()) {
      flight.landed.wait_for(lock, std::chrono::milliseconds(kPollMs));
    }
    --n_waiting_;
    if (flight.done) return flight.value;
    return Error{ErrorCode::kCancelled, "the request was cancelled while it waited"};
  }

  std::atomic<size_t> n_waiting_{0};
  mutable std::mutex mutex_;
  std::unordered_map<CacheKey, std::shared_ptr<Flight>, KeyHash> flights_;
};

}  // namespace docmind::cache
