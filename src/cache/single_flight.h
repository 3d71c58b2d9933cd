// SingleFlight: identical requests in flight share one computation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/cancel.h"
#include "base/error.h"
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
  // who come meanwhile wait for it and get its value or its error. When the leader was cancelled,
  // one of those who wait takes over. A waiting caller whose `cancel` is raised leaves with
  // kCancelled within kPollMs and disturbs nobody. Nothing is kept afterwards: the next caller
  // computes again, so look into the cache within `compute` too.
  template <typename Compute>
  [[nodiscard]] Result<Outcome> run(const CacheKey& key, const CancelToken& cancel,
                                    Compute&& compute) {
    while (true) {
      const auto [flight, leads] = join(key);
      if (leads) return lead(key, flight, std::forward<Compute>(compute));
      std::optional<Result<T>> result = wait(*flight, cancel);
      if (!result) return Error{ErrorCode::kCancelled, "the request was cancelled while it waited"};
      if (result->ok()) return Outcome{(*std::move(result)).value(), true};
      if (result->error().code != ErrorCode::kCancelled) return (*std::move(result)).error();
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
    std::optional<Result<T>> result;
  };
  struct Joined {
    std::shared_ptr<Flight> flight;
    bool leads = false;
  };
  struct KeyHash {
    size_t operator()(const CacheKey& key) const noexcept {
      size_t hash = 0;  // the bits of a key are one already
      std::memcpy(&hash, key.data(), sizeof(hash));
      return hash;
    }
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
    Result<T> result = Error{ErrorCode::kInternal, "the shared computation ended without a result"};
    ~Landing() {
      {
        std::lock_guard lock(owner.mutex_);
        owner.flights_.erase(key);
      }
      {
        std::lock_guard lock(flight.mutex);
        flight.result = std::move(result);
      }
      flight.landed.notify_all();
    }
  };

  template <typename Compute>
  Result<Outcome> lead(const CacheKey& key, const std::shared_ptr<Flight>& flight,
                       Compute&& compute) {
    Landing landing{*this, key, *flight};
    landing.result = std::forward<Compute>(compute)();
    if (!landing.result.ok()) return landing.result.error();
    return Outcome{landing.result.value(), false};
  }

  std::optional<Result<T>> wait(Flight& flight, const CancelToken& cancel) {
    ++n_waiting_;
    std::unique_lock lock(flight.mutex);
    while (!flight.result && !cancel.cancelled()) {
      flight.landed.wait_for(lock, std::chrono::milliseconds(kPollMs));
    }
    --n_waiting_;
    return flight.result;
  }

  std::atomic<size_t> n_waiting_{0};
  mutable std::mutex mutex_;
  std::unordered_map<CacheKey, std::shared_ptr<Flight>, KeyHash> flights_;
};

}  // namespace docmind::cache
