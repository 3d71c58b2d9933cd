// cached: makes a function remember its answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "cache/cache_codec.h"
#include "cache/memory_tier.h"
#include "cache/single_flight.h"
#include "cache/tier.h"

namespace docmind::cache {

struct CachedOptions {
  int64_t limit_bytes = 64 << 20;         // of answers and their bookkeeping; 0 keeps none
  int64_t ttl_ms = 0;                     // how long an answer is kept; 0: until room is needed
  WallClock now = unix_time_ms;
  std::shared_ptr<Tier> tier = nullptr;   // to use instead of memory of its own, whose limit then counts
  std::string name = {};                  // keeps functions apart that share a tier
};

struct CachedStats {
  uint64_t n_hits = 0;      // answers that were there
  uint64_t n_shared = 0;    // answers of a computation that another caller had begun
  uint64_t n_computed = 0;  // calls of the function, those that failed included
  uint64_t n_failed = 0;
  TierStats tier;
  [[nodiscard]] double hit_rate() const {
    const uint64_t n = n_hits + n_shared + n_computed;
    return n == 0 ? 0 : static_cast<double>(n_hits + n_shared) / static_cast<double>(n);
  }
};

namespace cached_detail {

template <typename T>
struct Answer {
  using Type = T;
};
template <typename T>
struct Answer<Result<T>> {
  using Type = T;
};

// The first CancelToken of the arguments, or one that nobody raises.
inline CancelToken cancel_of() { return {}; }
template <typename First, typename... Rest>
CancelToken cancel_of(const First& first, const Rest&... rest) {
  if constexpr (std::same_as<First, CancelToken>) {
    return first;
  } else {
    return cancel_of(rest...);
  }
}

}  // namespace cached_detail

// Copies share everything. Any number of threads may call, and the function is called by them: for one
// key by one thread at a time. It must not call this for its own arguments.
template <typename Fn, typename T>
class Cached {
 public:
  Cached(Fn fn, CachedOptions options) : state_(std::make_shared<State>(std::move(fn), std::move(options))) {}

  // What the function returns. Errors are not kept. Callers with the arguments of a computation that is
  // under way wait for it and get its answer, or leave with kCancelled if the CancelToken among their
  // arguments is raised; when the one that computes fails or is cancelled, one of them computes instead.
  template <typename... Args>
  std::invoke_result_t<Fn&, const Args&...> operator()(const Args&... args) const {
    State& state = *state_;
    const CacheKey key = state.key_of(args...);
    if (std::optional<T> known = state.find(key)) return *std::move(known);
    auto outcome = state.flights.run(key, cached_detail::cancel_of(args...), [&]() -> Result<T> {
      // It may have landed between the look above and now.
      if (std::optional<T> known = state.find(key)) return *std::move(known);
      return state.compute(key, args...);
    });
    if (outcome.ok()) {
      if (outcome->shared) ++state.n_shared;
      return std::move(outcome->value);
    }
    if constexpr (std::same_as<std::invoke_result_t<Fn&, const Args&...>, T>) {
      return state.fn(args...);  // it cannot fail, so only the wait for another caller was cancelled
    } else {
      return std::move(outcome).error();
    }
  }

  // The next call computes; one under way is not stopped, and its answer is kept.
  template <typename... Args>
  [[nodiscard]] Status forget(const Args&... args) const {
    return state_->tier->erase(state_->key_of(args...));
  }
  [[nodiscard]] CachedStats stats() const {
    return {.n_hits = state_->n_hits,
            .n_shared = state_->n_shared,
            .n_computed = state_->n_computed,
            .n_failed = state_->n_failed,
            .tier = state_->tier->stats()};
  }

 private:
  struct State {
    State(Fn own_fn, CachedOptions own_options) : fn(std::move(own_fn)), options(std::move(own_options)) {
      tier = options.tier;
      if (tier != nullptr) return;
      // Few shards for a small cache: an answer must fit into one.
      const auto n_shards = static_cast<size_t>(std::clamp<int64_t>(options.limit_bytes >> 20, 1, 16));
      tier = std::make_shared<MemoryTier>(
          MemoryTierOptions{.limit_bytes = options.limit_bytes, .n_shards = n_shards, .now = options.now});
    }

    template <typename... Args>
    CacheKey key_of(const Args&... args) const {
      FieldHasher key;
      key.add(options.name);
      (add_to_key(key, args), ...);
      return key.finish();
    }

    // A tier that fails counts its errors itself; the function is called then.
    std::optional<T> find(const CacheKey& key) {
      const Result<std::optional<CacheEntry>> entry = tier->get(key);
      if (!entry.ok() || !entry->has_value()) return std::nullopt;
      std::optional<T> value = CacheCodec<T>::decode(*(*entry)->value);
      if (value) ++n_hits;
      return value;
    }

    template <typename... Args>
    Result<T> compute(const CacheKey& key, const Args&... args) {
      ++n_computed;
      Result<T> answer = fn(args...);
      if (!answer.ok()) {
        ++n_failed;
        return answer;
      }
      const int64_t now_ms = options.now();
      const int64_t expires_ms = options.ttl_ms > 0 ? now_ms + options.ttl_ms : 0;
      // It only makes the next call faster; the tier counts its error.
      [[maybe_unused]] const Status stored =
          tier->put(key, make_entry(CacheCodec<T>::encode(*answer), now_ms, expires_ms));
      return answer;
    }

    Fn fn;
    const CachedOptions options;
    std::shared_ptr<Tier> tier;
    SingleFlight<T> flights;
    std::atomic<uint64_t> n_hits{0}, n_shared{0}, n_computed{0}, n_failed{0};
  };

  std::shared_ptr<State> state_;
};

// `fn` returns T or Result<T> of its arguments, T of a type that CacheCodec knows, arguments of types
// that add_to_key knows. `Args` are the types it is called with: cached<std::string>(fn).
template <typename... Args, typename Fn>
[[nodiscard]] auto cached(Fn fn, CachedOptions options = {}) {
  using T = typename cached_detail::Answer<std::invoke_result_t<Fn&, const Args&...>>::Type;
  return Cached<Fn, T>(std::move(fn), std::move(options));
}

}  // namespace docmind::cache
