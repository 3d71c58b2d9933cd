// The circuit breaker against a plain model of it, and the pauses between tries.
// SPDX-License-Identifier: Apache-2.0
#include "providers/circuit_breaker.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "providers/retry_policy.h"

namespace docmind::providers {
namespace {

struct Flight {
  CircuitBreaker::Ticket ticket;
  int64_t era = 0;  // of the model, when it began
  bool probe = false;
};

// What the header promises, without tickets: eras between openings and closings.
struct Model {
  BreakerOptions options;
  bool open = false;
  bool probing = false;
  int n_failures = 0;
  int64_t pause = 0, until = 0, era = 0;

  [[nodiscard]] bool passes(int64_t now) const { return !open || (now >= until && !probing); }
  void fail(const Flight& flight, int64_t now) {
    if (flight.era != era) return;
    if (!flight.probe && ++n_failures < options.n_failures_to_open) return;
    pause = pause == 0 ? options.open_ms : std::min(2 * pause, options.most_open_ms);
    until = now + pause;
    open = true;
    probing = false;
    n_failures = 0;
    ++era;
  }
  void succeed(const Flight& flight) {
    if (flight.era != era) return;
    n_failures = 0;
    if (!flight.probe) return;
    open = probing = false;
    pause = 0;
    ++era;
  }
};

RC_GTEST_PROP(CircuitBreaker, BehavesLikeItsModel, ()) {
  Model model;
  model.options = {.n_failures_to_open = *rc::gen::inRange(1, 5), .open_ms = 100, .most_open_ms = 700};
  int64_t now = 0;
  CircuitBreaker breaker(model.options, [&] { return now; });
  std::vector<Flight> flights;
  for (const int action : *rc::gen::container<std::vector<int>>(200, rc::gen::inRange(0, 10))) {
    now += *rc::gen::inRange(0, 60);
    RC_ASSERT(breaker.is_open() == !model.passes(now));
    RC_ASSERT(breaker.open_for_ms() == (model.open ? std::max<int64_t>(model.until - now, 0) : 0));
    RC_ASSERT(breaker.open_for_ms() <= model.options.most_open_ms);
    if (action < 5 || flights.empty()) {
      const bool may = model.passes(now);
      const auto ticket = breaker.begin();
      RC_ASSERT(ticket.has_value() == may);
      if (!ticket) continue;
      RC_ASSERT(ticket->probe == model.open);
      if (model.open) model.probing = true;
      flights.push_back({*ticket, model.era, ticket->probe});
      continue;
    }
    const auto which = static_cast<size_t>(*rc::gen::inRange<int>(0, static_cast<int>(flights.size())));
    const Flight flight = flights[which];
    flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(which));
    if (action < 8) {
      breaker.failed(flight.ticket);
      model.fail(flight, now);
    } else if (action == 8) {
      breaker.succeeded(flight.ticket);
      model.succeed(flight);
    } else {
      breaker.undecided(flight.ticket);
      if (flight.era == model.era && flight.probe) model.probing = false;
    }
  }
}

RC_GTEST_PROP(CircuitBreaker, AServerThatIsBackIsAlwaysFoundAgain, ()) {
  int64_t now = 0;
  CircuitBreaker breaker({.n_failures_to_open = 2, .open_ms = 100, .most_open_ms = 1'000}, [&] { return now; });
  const int n_failures = *rc::gen::inRange(2, 60);
  for (int i = 0; i < n_failures; ++i) {
    now += breaker.open_for_ms();
    const auto ticket = breaker.begin();
    RC_ASSERT(ticket.has_value());
    breaker.failed(*ticket);
  }
  RC_ASSERT(breaker.is_open());
  now += breaker.open_for_ms();
  const auto probe = breaker.begin();
  RC_ASSERT(probe.has_value() && probe->probe);
  RC_ASSERT(!breaker.begin().has_value());  // alone
  breaker.succeeded(*probe);
  RC_ASSERT(breaker.begin().has_value() && !breaker.is_open());
}

RC_GTEST_PROP(RetryPolicy, PausesAreBoundedAndNothingIsSaidTwice, ()) {
  const RetryPolicy policy{.n_retries = *rc::gen::inRange(0, 6)};
  const FailedTry failed{.n_before = *rc::gen::inRange(0, 8),
                         .end = static_cast<HttpEnd>(*rc::gen::inRange(0, 8)),
                         .status = *rc::gen::element(0, 200, 400, 404, 429, 500, 502, 503, 504),
                         .retry_after_s = *rc::gen::inRange(-1, 12),
                         .gave_text = *rc::gen::arbitrary<bool>(),
                         .malformed = *rc::gen::arbitrary<bool>(),
                         .repeatable = *rc::gen::arbitrary<bool>()};
  const double random = *rc::gen::inRange(0, 1'000) / 1'000.0;
  const std::optional<int64_t> pause = pause_before_retry(policy, failed, random);
  if (!pause) return;
  RC_ASSERT(!failed.gave_text);
  RC_ASSERT(failed.n_before < policy.n_retries);
  RC_ASSERT(*pause >= policy.first_pause_ms / 2 && *pause <= policy.longest_retry_after_ms);
  if ((failed.status == 429 || failed.status == 503) && failed.retry_after_s > 0) {
    RC_ASSERT(*pause == failed.retry_after_s * 1'000);
  }
  RC_ASSERT(failed.end != HttpEnd::kCancelled && failed.end != HttpEnd::kNoAnswer && failed.end != HttpEnd::kStalled);
}

TEST(RetryPolicy, WhatIsTriedAgain) {
  const RetryPolicy policy;
  const auto again = [&](const FailedTry& failed) { return pause_before_retry(policy, failed, 0).has_value(); };
  EXPECT_TRUE(again({.end = HttpEnd::kNotReached}));
  EXPECT_TRUE(again({.status = 503}));
  EXPECT_TRUE(again({.status = 429, .retry_after_s = 5}));
  EXPECT_FALSE(again({.status = 429, .retry_after_s = 6})) << "it asks for more than we wait";
  EXPECT_TRUE(again({.status = 502}));
  EXPECT_FALSE(again({.status = 500}));
  EXPECT_FALSE(again({.status = 400}));
  EXPECT_FALSE(again({.end = HttpEnd::kBrokeOff})) << "an answer may have been begun";
  EXPECT_TRUE(again({.end = HttpEnd::kBrokeOff, .repeatable = true}));
  EXPECT_FALSE(again({.status = 200, .malformed = true}));
  EXPECT_TRUE(again({.status = 200, .malformed = true, .repeatable = true}));
  EXPECT_EQ(pause_before_retry(policy, {.n_before = 1, .end = HttpEnd::kNotReached}, 0), 400);
  EXPECT_EQ(pause_before_retry(policy, {.n_before = 1, .end = HttpEnd::kNotReached}, 0.5), 300);
}

}  // namespace
}  // namespace docmind::providers
