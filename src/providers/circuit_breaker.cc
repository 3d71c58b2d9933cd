// CircuitBreaker: spares a server that does not answer, and those who would wait for it.
// SPDX-License-Identifier: Apache-2.0
#include "providers/circuit_breaker.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace docmind::providers {
namespace {

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

CircuitBreaker::CircuitBreaker(const BreakerOptions& options, ClockMs clock_ms)
    : options_(options), clock_ms_(clock_ms ? std::move(clock_ms) : ClockMs(steady_ms)) {}

std::optional<CircuitBreaker::Ticket> CircuitBreaker::begin() {
  const std::scoped_lock lock(mutex_);
  if (!may_pass(clock_ms_())) return std::nullopt;
  probing_ = open_;
  return Ticket{.generation = generation_, .probe = open_};
}

void CircuitBreaker::succeeded(const Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.generation != generation_) return;
  n_failures_ = 0;
  if (!ticket.probe) return;
  open_ = probing_ = false;
  pause_ms_ = 0;
  ++generation_;
}

void CircuitBreaker::failed(const Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.generation != generation_) return;
  if (ticket.probe || ++n_failures_ >= options_.n_failures_to_open) open(clock_ms_());
}

void CircuitBreaker::undecided(const Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.generation == generation_ && ticket.probe) probing_ = false;
}

bool CircuitBreaker::is_open() const {
  const std::scoped_lock lock(mutex_);
  return !may_pass(clock_ms_());
}

int64_t CircuitBreaker::open_for_ms() const {
  const std::scoped_lock lock(mutex_);
  return open_ ? std::max<int64_t>(open_until_ms_ - clock_ms_(), 0) : 0;
}

void CircuitBreaker::open(int64_t now_ms) {
  pause_ms_ = pause_ms_ == 0 ? options_.open_ms : std::min(pause_ms_ * 2, options_.most_open_ms);
  open_until_ms_ = now_ms + pause_ms_;
  open_ = true;
  probing_ = false;
  n_failures_ = 0;
  ++generation_;
}

}  // namespace docmind::providers
