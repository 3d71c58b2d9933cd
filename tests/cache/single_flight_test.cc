// SingleFlight: one computation for all, errors and cancellation to one.
// SPDX-License-Identifier: Apache-2.0
#include "cache/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cache_test_support.h"

namespace docmind::cache {
namespace {

using Flight = SingleFlight<std::string>;
using Outcome = Result<Flight::Outcome>;

// A leader that is inside its computation from the constructor to release().
class HeldLeader {
 public:
  HeldLeader(Flight& flight, const CacheKey& key, Result<std::string> result) {
    std::promise<void> inside;
    auto is_inside = inside.get_future();
    outcome_ = std::async(std::launch::async, [this, &flight, key, result, started = std::move(inside)]() mutable {
      return flight.run(key, CancelToken(), [&]() -> Result<std::string> {
        started.set_value();
        released_.get_future().wait();
        return result;
      });
    });
    is_inside.wait();
  }
  Outcome release() {
    released_.set_value();
    return outcome_.get();
  }

 private:
  std::promise<void> released_;
  std::future<Outcome> outcome_;
};

Result<std::string> must_not_run() {
  ADD_FAILURE() << "a follower computed";
  return std::string();
}

std::future<Outcome> follow(Flight& flight, const CancelToken& cancel = {}) {
  return std::async(std::launch::async, [&flight, cancel] { return flight.run(test_key(1), cancel, must_not_run); });
}

void wait_for_followers(const Flight& flight, size_t n) {
  while (flight.n_waiting() != n) std::this_thread::yield();
}

TEST(SingleFlight, ComputesAgainOnceLanded) {
  Flight flight;
  int n_runs = 0;
  const auto compute = [&]() -> Result<std::string> { return std::to_string(++n_runs); };
  const auto first = flight.run(test_key(1), CancelToken(), compute);
  const auto second = flight.run(test_key(1), CancelToken(), compute);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->value, "1");
  EXPECT_FALSE(first->shared);
  EXPECT_EQ(second->value, "2");
  EXPECT_EQ(flight.n_in_flight(), 0U);
}

TEST(SingleFlight, SharesOneComputationAmongAll) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), std::string("answer"));
  std::vector<std::future<Outcome>> followers;
  for (int i = 0; i < 6; ++i) followers.push_back(follow(flight));
  const auto other = flight.run(test_key(2), CancelToken(), []() -> Result<std::string> { return std::string("b"); });
  EXPECT_EQ(other->value, "b") << "another key does not wait";
  wait_for_followers(flight, 6);
  const Outcome led = leader.release();
  ASSERT_TRUE(led.ok());
  EXPECT_FALSE(led->shared);
  for (auto& follower : followers) {
    const Outcome outcome = follower.get();
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->value, "answer");
    EXPECT_TRUE(outcome->shared);
  }
  EXPECT_EQ(flight.n_in_flight(), 0U);
  EXPECT_EQ(flight.n_waiting(), 0U);
}

TEST(SingleFlight, AFailedLeaderDoesNotFailItsFollowers) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), Error{ErrorCode::kIo, "the model is gone"});
  std::atomic<int> n_runs{0};
  const auto follow_and_compute = [&] {
    return flight.run(test_key(1), CancelToken(), [&]() -> Result<std::string> {
      ++n_runs;
      return std::string("it is back");
    });
  };
  std::vector<std::future<Outcome>> followers;
  for (int i = 0; i < 4; ++i) followers.push_back(std::async(std::launch::async, follow_and_compute));
  wait_for_followers(flight, 4);
  EXPECT_EQ(leader.release().error().message, "the model is gone") << "the error is its own";
  int n_shared = 0;
  for (auto& follower : followers) {
    const Outcome outcome = follower.get();
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->value, "it is back");
    n_shared += outcome->shared ? 1 : 0;
  }
  EXPECT_GE(n_runs, 1);
  EXPECT_EQ(n_shared, 4 - n_runs) << "those who were quick enough waited for one of them";
}

TEST(SingleFlight, EveryoneFailsByItselfWhenAllFail) {
  Flight flight;
  std::atomic<int> n_runs{0};
  const auto fail = [&]() -> Result<std::string> {
    const int n = ++n_runs;
    return Error{ErrorCode::kIo, std::to_string(n)};
  };
  HeldLeader leader(flight, test_key(1), Error{ErrorCode::kIo, "0"});
  std::vector<std::future<Outcome>> followers;
  for (int i = 0; i < 3; ++i) {
    followers.push_back(std::async(std::launch::async, [&] { return flight.run(test_key(1), CancelToken(), fail); }));
  }
  wait_for_followers(flight, 3);
  EXPECT_EQ(leader.release().error().message, "0");
  std::set<std::string> messages;
  for (auto& follower : followers) messages.insert(follower.get().error().message);
  EXPECT_EQ(messages, (std::set<std::string>{"1", "2", "3"}));
  EXPECT_EQ(flight.n_in_flight(), 0U);
}

TEST(SingleFlight, AComputationThatThrowsLeavesNobodyWaiting) {
  Flight flight;
  std::promise<void> inside, release;
  auto leader = std::async(std::launch::async, [&] {
    return flight.run(test_key(1), CancelToken(), [&]() -> Result<std::string> {
      inside.set_value();
      release.get_future().wait();
      throw std::runtime_error("out of paper");
    });
  });
  inside.get_future().wait();
  auto follower = std::async(std::launch::async, [&] {
    return flight.run(test_key(1), CancelToken(), []() -> Result<std::string> { return std::string("mine"); });
  });
  wait_for_followers(flight, 1);
  release.set_value();
  EXPECT_THROW((void)leader.get(), std::runtime_error);
  EXPECT_EQ(follower.get()->value, "mine");
}

TEST(SingleFlight, LetsACancelledFollowerLeaveAlone) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), std::string("answer"));
  const CancelToken cancel;
  auto leaving = follow(flight, cancel);
  auto staying = follow(flight);
  wait_for_followers(flight, 2);
  cancel.cancel();
  EXPECT_EQ(leaving.get().error().code, ErrorCode::kCancelled) << "although the leader is still held";
  EXPECT_EQ(leader.release()->value, "answer");
  EXPECT_EQ(staying.get()->value, "answer");
}

TEST(SingleFlight, AFollowerTakesOverFromACancelledLeader) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), Error{ErrorCode::kCancelled, "the leader pressed Ctrl-C"});
  auto follower = std::async(std::launch::async, [&] {
    return flight.run(test_key(1), CancelToken(),
                      []() -> Result<std::string> { return std::string("computed by follower"); });
  });
  wait_for_followers(flight, 1);
  EXPECT_EQ(leader.release().error().code, ErrorCode::kCancelled);
  const Outcome outcome = follower.get();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->value, "computed by follower");
  EXPECT_FALSE(outcome->shared);
}

TEST(SingleFlight, KeepsKeysApartUnderLoad) {
  Flight flight;
  std::atomic<int> n_runs{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        const int n = i % 5;
        const auto outcome = flight.run(test_key(n), CancelToken(), [&]() -> Result<std::string> {
          ++n_runs;
          return "value " + std::to_string(n);
        });
        ASSERT_TRUE(outcome.ok());
        EXPECT_EQ(outcome->value, "value " + std::to_string(n));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(n_runs, 8'000);
  EXPECT_EQ(flight.n_in_flight(), 0U);
}

}  // namespace
}  // namespace docmind::cache
