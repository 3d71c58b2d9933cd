// AnswerFlights: one computation and one stream for near questions; failures and cancels are one's own.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_flights.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cache_test_support.h"

namespace docmind::cache {
namespace {

using Outcome = Result<FlightOutcome>;

// What a caller's sink got.
class Reader {
 public:
  PieceSink sink() {
    return [this](std::string_view piece) {
      std::lock_guard lock(mutex_);
      text_ += piece;
      return text_.size() < limit_;
    };
  }
  void stop_at(size_t n_bytes) { limit_ = n_bytes; }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }
  void wait_for(const std::string& text) const {
    while (this->text() != text) std::this_thread::yield();
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
  std::atomic<size_t> limit_ = 1'000'000;
};

FlightRequest ask(int64_t key, std::vector<float> vector = {}, int64_t scope = 0) {
  return {.key = test_key(key),
          .scope = test_key(1'000 + scope),
          .question = "question " + std::to_string(key),
          .vector = std::move(vector)};
}

bool is_near(const FlightRequest&, const FlightRequest&, double similarity) { return similarity >= 0.9; }

// A caller whose computation gives the pieces it is told to.
class Leader {
 public:
  Leader(AnswerFlights& flights, const FlightRequest& request) {
    outcome_ = std::async(std::launch::async, [this, &flights, request] {
      return flights.run(request, reader.sink(), cancel, [this](const PieceSink& sink) -> Result<std::string> {
        started_.set_value();
        while (true) {
          std::string next = take();
          if (next == "fail") return Error{ErrorCode::kIo, "the model is gone"};
          if (next == "land") return std::string("payload of " + whole_);
          if (next == "throw") throw std::runtime_error("out of paper");
          whole_ += next;
          goes_on = sink(next);
          if (!goes_on) return Error{ErrorCode::kCancelled, "told to stop"};
        }
      });
    });
    started_.get_future().wait();
  }
  void give(const std::string& piece) {
    std::lock_guard lock(mutex_);
    pieces_.push_back(piece);
  }
  Outcome end() { return outcome_.get(); }
  Outcome end_with(const std::string& how) {
    give(how);
    return end();
  }

  Reader reader;
  const CancelToken cancel;
  std::atomic<bool> goes_on = true;

 private:
  std::string take() {
    while (true) {
      {
        std::lock_guard lock(mutex_);
        if (!pieces_.empty()) {
          std::string piece = pieces_.front();
          pieces_.erase(pieces_.begin());
          return piece;
        }
      }
      std::this_thread::yield();
    }
  }

  std::promise<void> started_;
  std::mutex mutex_;
  std::vector<std::string> pieces_;
  std::string whole_;
  std::future<Outcome> outcome_;
};

// A caller that comes while another computes.
class Follower {
 public:
  Follower(AnswerFlights& flights, const FlightRequest& request, std::string own_text = "",
           size_t stops_at = 1'000'000) {
    reader.stop_at(stops_at);
    outcome_ = std::async(std::launch::async, [this, &flights, request, own_text] {
      return flights.run(request, reader.sink(), cancel, [&](const PieceSink& sink) -> Result<std::string> {
        ++n_computed;
        if (own_text.empty()) return Error{ErrorCode::kInternal, "a follower computed"};
        if (!sink(own_text)) return Error{ErrorCode::kCancelled, "told to stop"};
        return "payload of " + own_text;
      });
    });
  }
  Outcome end() { return outcome_.get(); }
  bool ended() const { return outcome_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

  Reader reader;
  const CancelToken cancel;
  std::atomic<int> n_computed = 0;

 private:
  std::future<Outcome> outcome_;
};

void wait_for_followers(const AnswerFlights& flights, size_t n) {
  while (flights.n_waiting() != n) std::this_thread::yield();
}

TEST(AnswerFlights, ComputesAgainOnceLanded) {
  AnswerFlights flights(is_near);
  for (int i = 0; i < 2; ++i) {
    Follower caller(flights, ask(1), "text " + std::to_string(i));
    const Outcome outcome = caller.end();
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(*outcome->payload, "payload of text " + std::to_string(i));
    EXPECT_FALSE(outcome->shared);
    EXPECT_EQ(outcome->question, "question 1");
    EXPECT_EQ(caller.reader.text(), "text " + std::to_string(i));
  }
  EXPECT_EQ(flights.n_in_flight(), 0U);
}

TEST(AnswerFlights, FollowersStreamWhileTheLeaderComputes) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("one ");
  Follower early(flights, ask(1));
  early.reader.wait_for("one ");
  leader.give("two ");
  early.reader.wait_for("one two ");
  Follower late(flights, ask(1));
  late.reader.wait_for("one two ");
  leader.give("three");
  early.reader.wait_for("one two three");
  EXPECT_FALSE(early.ended()) << "the payload is not there yet";
  EXPECT_EQ(flights.n_in_flight(), 1U);
  const Outcome led = leader.end_with("land");
  ASSERT_TRUE(led.ok());
  EXPECT_FALSE(led->shared);
  EXPECT_EQ(leader.reader.text(), "one two three");
  for (Follower* follower : {&early, &late}) {
    const Outcome outcome = follower->end();
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(outcome->shared);
    EXPECT_EQ(outcome->payload, led->payload) << "the same bytes, not a copy";
    EXPECT_EQ(follower->reader.text(), "one two three");
    EXPECT_EQ(follower->n_computed, 0);
  }
  EXPECT_EQ(flights.n_in_flight(), 0U);
  EXPECT_EQ(flights.n_waiting(), 0U);
}

TEST(AnswerFlights, TakesTheNearestThatMayBeShared) {
  std::atomic<int> n_judged = 0;
  AnswerFlights flights([&](const FlightRequest& asked, const FlightRequest& running, double similarity) {
    if (asked.question != "question 5") return false;
    ++n_judged;
    return running.question != "question 3" && similarity > 0.8;
  });
  Leader far(flights, ask(1, {0, 1}));
  Leader near(flights, ask(2, {0.8F, 0.6F}));
  Leader barred(flights, ask(3, {1, 0}));
  Leader nearer(flights, ask(4, {0.96F, 0.28F}));
  Follower follower(flights, ask(5, {1, 0}));
  wait_for_followers(flights, 1);
  EXPECT_EQ(n_judged, 2) << "the barred one first, then the nearest";
  nearer.give("text");
  ASSERT_TRUE(nearer.end_with("land").ok());
  const Outcome outcome = follower.end();
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->shared);
  EXPECT_EQ(outcome->question, "question 4");
  EXPECT_NEAR(outcome->similarity, 0.96, 1e-6);
  for (Leader* leader : {&far, &near, &barred}) EXPECT_TRUE(leader->end_with("land").ok());
}

TEST(AnswerFlights, SharesNothingBetweenScopes) {
  AnswerFlights flights([](const FlightRequest&, const FlightRequest&, double) { return true; });
  Leader leader(flights, ask(1, {1, 0}, 1));
  Follower other(flights, ask(2, {1, 0}, 2), "of the other tenant");
  EXPECT_EQ(*other.end()->payload, "payload of of the other tenant");
  Follower without(flights, ask(3, {}, 1), "without a vector");
  EXPECT_FALSE(without.end()->shared);
  Follower longer(flights, ask(4, {1, 0, 0}, 1), "of another embedder");
  EXPECT_FALSE(longer.end()->shared);
  EXPECT_TRUE(leader.end_with("land").ok());
}

TEST(AnswerFlights, JudgingMayUseTheFlightsItself) {
  AnswerFlights* self = nullptr;
  AnswerFlights flights([&](const FlightRequest&, const FlightRequest&, double) { return self->n_in_flight() > 0; });
  self = &flights;
  Leader leader(flights, ask(1, {1, 0}));
  Follower follower(flights, ask(2, {1, 0}));
  wait_for_followers(flights, 1);
  EXPECT_TRUE(leader.end_with("land").ok());
  EXPECT_TRUE(follower.end()->shared);
}

TEST(AnswerFlights, AFailedLeaderDoesNotFailItsFollowers) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("The pump ");
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < 3; ++i) {
    followers.push_back(std::make_unique<Follower>(flights, ask(1), "The pump is greased."));
    followers.back()->reader.wait_for("The pump ");
  }
  EXPECT_EQ(leader.end_with("fail").error().message, "the model is gone");
  for (auto& follower : followers) {
    const Outcome outcome = follower->end();
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(*outcome->payload, "payload of The pump is greased.");
    EXPECT_EQ(follower->reader.text(), "The pump is greased.") << "no word twice";
  }
  EXPECT_EQ(flights.n_in_flight(), 0U);
}

TEST(AnswerFlights, ATakeOverMustContinueWhatWasGiven) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("The pump ");
  Follower other_words(flights, ask(1), "A pump is greased.");
  other_words.reader.wait_for("The pump ");
  EXPECT_FALSE(leader.end_with("fail").ok());
  const Outcome outcome = other_words.end();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kMismatch);
  EXPECT_NE(outcome.error().message.find("9 bytes"), std::string::npos) << outcome.error().message;
  EXPECT_EQ(other_words.reader.text(), "The pump ");
  Leader second(flights, ask(2));
  second.give("a long beginning");
  Follower shorter(flights, ask(2), "a long");
  shorter.reader.wait_for("a long beginning");
  EXPECT_FALSE(second.end_with("fail").ok());
  EXPECT_EQ(shorter.end().error().code, ErrorCode::kMismatch) << "less than was given";
}

TEST(AnswerFlights, OnlyThoseWhoWereGivenOtherWordsSuffer) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("Old");
  Follower given(flights, ask(1), "New words");
  given.reader.wait_for("Old");
  EXPECT_FALSE(leader.end_with("fail").ok());
  EXPECT_EQ(given.end().error().code, ErrorCode::kMismatch);
  Follower fresh(flights, ask(1), "New words");
  EXPECT_EQ(*fresh.end()->payload, "payload of New words");
}

TEST(AnswerFlights, FollowersAreJudgedAgainAfterAFailure) {
  // 2 and 3 are near to 1, but not to each other.
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1, {1, 0}));
  Follower left(flights, ask(2, {0.92F, 0.39F}), "left");
  wait_for_followers(flights, 1);
  Follower right(flights, ask(3, {0.92F, -0.39F}), "right");
  wait_for_followers(flights, 2);
  EXPECT_FALSE(leader.end_with("fail").ok());
  EXPECT_EQ(*left.end()->payload, "payload of left");
  EXPECT_EQ(*right.end()->payload, "payload of right");
}

TEST(AnswerFlights, ACancelledFollowerLeavesAlone) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("one ");
  Follower leaving(flights, ask(1));
  Follower content(flights, ask(1), "", 1);
  Follower staying(flights, ask(1));
  leaving.reader.wait_for("one ");
  staying.reader.wait_for("one ");
  leaving.cancel.cancel();
  EXPECT_EQ(leaving.end().error().code, ErrorCode::kCancelled) << "although the leader goes on";
  EXPECT_EQ(content.end().error().code, ErrorCode::kCancelled) << "its sink wanted no more";
  leader.give("two");
  EXPECT_TRUE(leader.end_with("land").ok());
  EXPECT_EQ(*staying.end()->payload, "payload of one two");
  EXPECT_EQ(staying.reader.text(), "one two");
}

TEST(AnswerFlights, ALeaderThatIsAloneStopsWhenCancelled) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("one ");
  leader.reader.wait_for("one ");
  leader.cancel.cancel();
  leader.give("two");
  EXPECT_EQ(leader.end().error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(leader.goes_on);
  EXPECT_EQ(flights.n_in_flight(), 0U);
}

TEST(AnswerFlights, ALeaderGoesOnForItsFollowersOnly) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("one ");
  leader.reader.wait_for("one ");
  Follower follower(flights, ask(1));
  follower.reader.wait_for("one ");
  leader.reader.stop_at(1);
  leader.give("two ");
  follower.reader.wait_for("one two ");
  leader.give("three");
  follower.reader.wait_for("one two three");
  EXPECT_EQ(leader.end_with("land").error().code, ErrorCode::kCancelled) << "its own part ended long ago";
  EXPECT_EQ(leader.reader.text(), "one two ") << "the piece that it did not want more after";
  EXPECT_EQ(*follower.end()->payload, "payload of one two three");
}

TEST(AnswerFlights, ALeaderWhoseLastFollowerLeavesStops) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  leader.give("one ");
  Follower follower(flights, ask(1));
  follower.reader.wait_for("one ");
  leader.cancel.cancel();
  leader.give("two ");
  follower.reader.wait_for("one two ");
  follower.cancel.cancel();
  EXPECT_FALSE(follower.end().ok());
  leader.give("three");
  EXPECT_EQ(leader.end().error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(leader.goes_on);
}

TEST(AnswerFlights, ASlowFollowerHoldsNobodyUp) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  std::promise<void> stuck, release;
  std::string slow_text;
  auto slow = std::async(std::launch::async, [&] {
    bool first = true;
    return flights.run(
        ask(1),
        [&](std::string_view piece) {
          slow_text += piece;
          if (std::exchange(first, false)) {
            stuck.set_value();
            release.get_future().wait();
          }
          return true;
        },
        CancelToken(), [](const PieceSink&) -> Result<std::string> { return Error{}; });
  });
  leader.give("one ");
  stuck.get_future().wait();
  Follower quick(flights, ask(1));
  quick.reader.wait_for("one ");
  leader.give("two");
  EXPECT_TRUE(leader.end_with("land").ok()) << "while the slow one still holds the first piece";
  EXPECT_TRUE(quick.end().ok());
  EXPECT_EQ(flights.n_in_flight(), 0U);
  release.set_value();
  EXPECT_EQ(*slow.get()->payload, "payload of one two");
  EXPECT_EQ(slow_text, "one two");
}

TEST(AnswerFlights, AComputationThatThrowsLeavesNobodyWaiting) {
  AnswerFlights flights(is_near);
  Leader leader(flights, ask(1));
  Follower follower(flights, ask(1), "mine");
  wait_for_followers(flights, 1);
  leader.give("throw");
  EXPECT_THROW((void)leader.end(), std::runtime_error);
  EXPECT_EQ(*follower.end()->payload, "payload of mine");
  EXPECT_EQ(flights.n_in_flight(), 0U);
}

TEST(AnswerFlights, NeedsNeitherSinkNorJudge) {
  AnswerFlights flights(nullptr);
  const auto compute = [](const PieceSink& sink) -> Result<std::string> {
    EXPECT_TRUE(sink("text"));
    return std::string("payload");
  };
  const auto made = flights.run(ask(1, {1, 0}), nullptr, CancelToken(), compute);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*made->payload, "payload");
  const CancelToken cancelled;
  cancelled.cancel();
  const auto refused = flights.run(ask(1), nullptr, cancelled, [](const PieceSink&) -> Result<std::string> {
    ADD_FAILURE() << "a cancelled caller computed";
    return std::string();
  });
  EXPECT_EQ(refused.error().code, ErrorCode::kCancelled);
}

// Many near questions at the same moment: those that find each other too late would each compute.
TEST(AnswerFlights, NearQuestionsAtOnceMakeOneComputation) {
  AnswerFlights flights(is_near);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> n_computed = 0;
    std::atomic<int> n_here = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        ++n_here;
        while (n_here < 4) std::this_thread::yield();
        const auto compute = [&](const PieceSink&) -> Result<std::string> {
          ++n_computed;
          // The others wait by then, unless they compute as well.
          while (flights.n_waiting() + static_cast<size_t>(n_computed) < 4) std::this_thread::yield();
          return std::string("payload");
        };
        EXPECT_TRUE(flights.run(ask(t, {1, 0}), nullptr, CancelToken(), compute).ok());
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(n_computed, 1);
  }
}

}  // namespace
}  // namespace docmind::cache
