// FlightRegistry: the computations in flight that callers may join, by key and by nearness within a scope.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cache/answer_flights.h"
#include "cache/key_hash.h"

namespace docmind::cache {

// One computation and what it has made so far. It lives on with its last follower, whoever made it.
struct Flight {
  enum class State { kComputing, kLanded, kFailed };

  Flight(FlightRequest of_leader, uint64_t number_given)
      : request(std::move(of_leader)), number(number_given) {}

  const FlightRequest request;
  const uint64_t number;   // counted from the first flight on
  size_t n_followers = 0;  // guarded by the registry

  std::mutex mutex;  // of all that follows
  std::condition_variable changed;
  std::string text;  // written by the leader's thread alone
  State state = State::kComputing;
  std::shared_ptr<const std::string> payload;  // once landed
};

// Any number of threads may call.
class FlightRegistry {
 public:
  struct Joined {
    std::shared_ptr<Flight> flight;
    double similarity = 1;
    bool leads = false;
  };

  // The flight that `request` follows: one of its key, else the nearest of its scope for which `may_share`
  // says yes; else a new one that it leads. `may_share` is called without any lock and may be empty.
  [[nodiscard]] Joined join(const FlightRequest& request, const AnswerFlights::MayShare& may_share);
  // Nobody joins any more.
  void close(const Flight& flight);
  // Closes the flight if nobody follows; false if somebody does.
  [[nodiscard]] bool close_if_alone(const Flight& flight);
  // A follower leaves.
  void leave(Flight& flight);
  [[nodiscard]] size_t n_flights() const;

 private:
  // These need the lock.
  std::optional<Joined> join_same_key(const FlightRequest& request);
  std::vector<Joined> near_flights(const FlightRequest& request, uint64_t above_number) const;
  Joined begin_flight(const FlightRequest& request);
  void close_locked(const Flight& flight);

  bool join_open(const std::shared_ptr<Flight>& flight);

  mutable std::mutex mutex_;
  uint64_t n_begun_ = 0;
  std::unordered_map<CacheKey, std::shared_ptr<Flight>, KeyHash> by_key_;
  // Apart, so that a question takes no longer for what is asked in other scopes.
  std::unordered_map<Digest, std::vector<std::shared_ptr<Flight>>, KeyHash> by_scope_;
};

}  // namespace docmind::cache
