// Properties of shared computations under random schedules: failing, cancelled, slow and late callers.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_flights.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace docmind::cache {
namespace {

// One call of run(): what its computation does if it has to make one, and how its sink behaves.
struct Call {
  int64_t topic = 0;     // calls of one topic are near to each other and have one text
  int64_t key = 0;
  int fails_after = -1;  // pieces; -1: never
  int stops_after = -1;  // pieces its sink takes; -1: all
  int cancels_after = -1;
  int pause_us = 0;      // of its sink at each piece
  int delay_us = 0;      // before it comes
};

constexpr int kPieces = 6;

std::string piece_of(int64_t topic, int n) {
  return "topic " + std::to_string(topic) + " piece " + std::to_string(n) + (n % 2 == 0 ? ". " : "\xC3\xA9 ");
}
std::string text_of(int64_t topic) {
  std::string text;
  for (int n = 0; n < kPieces; ++n) text += piece_of(topic, n);
  return text;
}

rc::Gen<Call> any_call() {
  using rc::gen::inRange;
  const auto seldom = rc::gen::weightedOneOf<int>({{3, rc::gen::just(-1)}, {1, inRange(0, kPieces)}});
  return rc::gen::build<Call>(rc::gen::set(&Call::topic, inRange<int64_t>(0, 2)),
                              rc::gen::set(&Call::key, inRange<int64_t>(0, 3)),
                              rc::gen::set(&Call::fails_after, seldom),
                              rc::gen::set(&Call::stops_after, seldom), rc::gen::set(&Call::cancels_after, seldom),
                              rc::gen::set(&Call::pause_us, rc::gen::element(0, 0, 0, 50, 300)),
                              rc::gen::set(&Call::delay_us, rc::gen::element(0, 0, 20, 100, 400)));
}

FlightRequest request_of(const Call& call) {
  FlightRequest request;
  request.key = FieldHasher().add(call.topic).add(call.key).finish();
  request.scope = FieldHasher().add("scope").finish();
  request.question = "topic " + std::to_string(call.topic);
  request.vector = call.topic == 0 ? std::vector<float>{1, 0} : std::vector<float>{0, 1};
  return request;
}

// What became of a call.
struct Ended {
  std::optional<Result<FlightOutcome>> outcome;
  std::string text;      // that its sink got
  bool computed = false;
  bool stopped = false;  // its sink said no, or its token was raised
};

void make_call(AnswerFlights& flights, const Call& call, Ended& ended) {
  std::this_thread::sleep_for(std::chrono::microseconds(call.delay_us));
  const CancelToken cancel;
  int n_taken = 0;
  const PieceSink sink = [&](std::string_view piece) {
    ended.text += piece;
    if (call.pause_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(call.pause_us));
    if (n_taken == call.cancels_after) cancel.cancel();
    const bool more = n_taken++ != call.stops_after;
    ended.stopped = ended.stopped || !more || cancel.cancelled();
    return more;
  };
  ended.outcome = flights.run(request_of(call), sink, cancel, [&](const PieceSink& give) -> Result<std::string> {
    ended.computed = true;
    for (int n = 0; n < kPieces; ++n) {
      if (n == call.fails_after) return Error{ErrorCode::kIo, "broken by call"};
      if (!give(piece_of(call.topic, n))) return Error{ErrorCode::kCancelled, "told to stop"};
    }
    return "payload of " + std::to_string(call.topic);
  });
}

// Whether the call may have ended so.
void check_end(const Call& call, const Ended& ended) {
  RC_ASSERT(ended.outcome.has_value());
  const std::string whole = text_of(call.topic);
  RC_ASSERT(whole.starts_with(ended.text));
  if (ended.outcome->ok()) {
    const FlightOutcome& outcome = **ended.outcome;
    RC_ASSERT(ended.text == whole);
    RC_ASSERT(*outcome.payload == "payload of " + std::to_string(call.topic));
    RC_ASSERT(outcome.question == request_of(call).question);
    RC_ASSERT(outcome.shared != ended.computed);
    RC_ASSERT(!ended.stopped);
    return;
  }
  // An error is its own: it broke while it computed, or it wanted no more.
  if (ended.outcome->error().code == ErrorCode::kIo) {
    RC_ASSERT(ended.computed);
    RC_ASSERT(call.fails_after >= 0);
  } else {
    RC_ASSERT(ended.outcome->error().code == ErrorCode::kCancelled);
    RC_ASSERT(ended.stopped);
  }
}

TEST(AnswerFlightsProperty, EveryoneGetsTheWholeTextOrAnErrorOfItsOwn) {
  EXPECT_TRUE(rc::check("random schedules of callers", [] {
    const auto calls = *rc::gen::container<std::vector<Call>>(*rc::gen::inRange<size_t>(1, 9), any_call());
    AnswerFlights flights(
        [](const FlightRequest&, const FlightRequest&, double similarity) { return similarity > 0.9; });
    std::vector<Ended> ends(calls.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < calls.size(); ++i) {
      threads.emplace_back([&, i] { make_call(flights, calls[i], ends[i]); });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < calls.size(); ++i) check_end(calls[i], ends[i]);
    RC_ASSERT(flights.n_in_flight() == 0U);
    RC_ASSERT(flights.n_waiting() == 0U);
  }));
}

}  // namespace
}  // namespace docmind::cache
