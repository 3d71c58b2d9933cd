// SingleFlight: one computation for all, errors to all, cancellation to one.
// SPDX-License-Identifier: Apache-2.0
#include "cache/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "cache_test_support.h"

namespace docmind::cache {
namespace {

using Flight = SingleFlight<std::string>;

// Holds a leader inside its computation until released.
class Gate {
 public:
  void wait() { opened_.wait(); }
  void open() { promise_.set_value(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
};

// A leader that is inside its computation when the constructor returns.
class HeldLeader {
 public:
  HeldLeader(Flight& flight, const CacheKey& key, Result<std::string> result) {
    std::promise<void> inside;
    auto is_inside = inside.get_future();
    thread_ = std::thread([this, &flight, key, result, started = std::move(inside)]() mutable {
      outcome_ = flight.run(key, CancelToken(), [&]() -> Result<std::string> {
        started.set_value();
        gate_.wait();
        return result;
      });
    });
    is_inside.wait();
  }
  Result<Flight::Outcome> release() {
    gate_.open();
    thread_.join();
    return *std::move(outcome_);
  }

 private:
  Gate gate_;
  std::optional<Result<Flight::Outcome>> outcome_;
  std::thread thread_;
};

Result<std::string> must_not_run() {
  ADD_FAILURE() << "a follower computed";
  return std::string();
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
  EXPECT_EQ(flight.n_in_flight(), 0u);
}

TEST(SingleFlight, SharesOneComputationAmongAll) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), std::string("answer"));
  std::atomic<int> n_shared{0};
  std::vector<std::thread> followers;
  for (int i = 0; i < 6; ++i) {
    followers.emplace_back([&] {
      const auto outcome = flight.run(test_key(1), CancelToken(), must_not_run);
      ASSERT_TRUE(outcome.ok());
      EXPECT_EQ(outcome->value, "answer");
      if (outcome->shared) ++n_shared;
    });
  }
  // Another key does not wait.
  const auto other =
      flight.run(test_key(2), CancelToken(), []() -> Result<std::string> { return std::string("b"); });
  EXPECT_EQ(other->value, "b");
  // Followers that have not joined yet would become leaders: give them time to arrive.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto led = leader.release();
  ASSERT_TRUE(led.ok());
  EXPECT_FALSE(led->shared);
  for (std::thread& follower : followers) follower.join();
  EXPECT_EQ(n_shared, 6);
  EXPECT_EQ(flight.n_in_flight(), 0u);
}

TEST(SingleFlight, GivesTheLeadersErrorToFollowers) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), Error{ErrorCode::kIo, "the model is gone"});
  auto follower = std::async(std::launch::async, [&] {
    return flight.run(test_key(1), CancelToken(), must_not_run);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(leader.release().ok());
  const auto outcome = follower.get();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kIo);
  EXPECT_EQ(outcome.error().message, "the model is gone");
}

TEST(SingleFlight, LetsACancelledFollowerLeaveAlone) {
  Flight flight;
  HeldLeader leader(flight, test_key(1), std::string("answer"));
  const CancelToken cancel;
  auto leaving = std::async(std::launch::async,
                            [&] { return flight.run(test_key(1), cancel, must_not_run); });
  auto staying = std::async(std::launch::async, [&] {
    return flight.run(test_key(1), CancelToken(), must_not_run);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  cancel.cancel();
  const auto left = leaving.get();  // returns although the leader is still held
  ASSERT_FALSE(left.ok());
  EXPECT_EQ(left.error().code, ErrorCode::kCancelled);
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
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(leader.release().error().code, ErrorCode::kCancelled);
  const auto outcome = follower.get();
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
        const auto outcome =
            flight.run(test_key(n), CancelToken(), [&]() -> Result<std::string> {
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
  EXPECT_EQ(flight.n_in_flight(), 0u);
}

}  // namespace
}  // namespace docmind::cache
