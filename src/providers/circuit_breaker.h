// CircuitBreaker: spares a server that does not answer, and those who would wait for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace docmind::providers {

struct BreakerOptions {
  int n_failures_to_open = 3;    // in a row
  int64_t open_ms = 2'000;       // the first pause; each further one is twice as long
  int64_t most_open_ms = 60'000;
};

// Closed: requests go. Open, after failures in a row: none goes until the pause is over. Then half open: one request
// tries, alone; its success closes the breaker, its failure opens it for twice the pause. (M. Nygard, "Release It!",
// 2007.) Any thread.
class CircuitBreaker {
 public:
  using ClockMs = std::function<int64_t()>;  // monotonic

  // An empty clock is the machine's own.
  explicit CircuitBreaker(const BreakerOptions& options, ClockMs clock_ms = {});

  // A request that was let through, to be handed to exactly one of succeeded(), failed() and undecided().
  struct Ticket {
    int64_t generation = 0;
    bool probe = false;
  };
  // None: the request must not go.
  [[nodiscard]] std::optional<Ticket> begin();
  void succeeded(const Ticket& ticket);
  // A request that began before the breaker opened last says nothing new.
  void failed(const Ticket& ticket);
  // It was cancelled before anybody could tell.
  void undecided(const Ticket& ticket);

  // Whether begin() gives none now.
  [[nodiscard]] bool is_open() const;
  // How long begin() will go on giving none, as far as the pause decides; 0 when it would give a ticket.
  [[nodiscard]] int64_t open_for_ms() const;

 private:
  [[nodiscard]] bool may_pass(int64_t now_ms) const { return !open_ || (now_ms >= open_until_ms_ && !probing_); }
  void open(int64_t now_ms);

  const BreakerOptions options_;
  const ClockMs clock_ms_;
  mutable std::mutex mutex_;
  bool open_ = false;
  bool probing_ = false;       // half open: the one request is under way
  int n_failures_ = 0;         // in a row, while closed
  int64_t pause_ms_ = 0;       // the present or last one
  int64_t open_until_ms_ = 0;
  int64_t generation_ = 0;     // counts the changes between open and closed
};

}  // namespace docmind::providers
