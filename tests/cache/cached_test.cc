// cached: what is remembered, for how long, within which size, and who computes.
// SPDX-License-Identifier: Apache-2.0
#include "cache/cached.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cache/cache_codec.h"
#include "cache/disk_tier.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

using Numbers = std::vector<float>;

TEST(Cached, CallsAPlainFunctionOncePerArgument) {
  int n_calls = 0;
  const auto square = cached<int>([&](int x) { return ++n_calls, x * x; });
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(square(4), 16);
  EXPECT_EQ(n_calls, 2);
  const CachedStats stats = square.stats();
  EXPECT_EQ(stats.n_hits, 1U);
  EXPECT_EQ(stats.n_computed, 2U);
  EXPECT_DOUBLE_EQ(stats.hit_rate(), 1.0 / 3);
  EXPECT_EQ(stats.tier.n_entries, 2);
}

TEST(Cached, CopiesShareEverything) {
  int n_calls = 0;
  const auto first = cached<std::string>([&](const std::string& text) { return ++n_calls, text + "!"; });
  const auto second = first;
  EXPECT_EQ(first(std::string("a")), "a!");
  EXPECT_EQ(second(std::string("a")), "a!");
  EXPECT_EQ(second("a"), "a!") << "the same argument in another form";
  EXPECT_EQ(n_calls, 1);
}

TEST(Cached, DoesNotKeepErrors) {
  int n_calls = 0;
  const auto answer = cached<std::string_view>([&](std::string_view question) -> Result<std::string> {
    if (++n_calls == 1) return Error{ErrorCode::kIo, "the disk is tired"};
    return "answer to " + std::string(question);
  });
  EXPECT_EQ(answer(std::string_view("q")).error().message, "the disk is tired");
  EXPECT_EQ(*answer(std::string_view("q")), "answer to q");
  EXPECT_EQ(*answer(std::string_view("q")), "answer to q");
  EXPECT_EQ(n_calls, 2);
  EXPECT_EQ(answer.stats().n_failed, 1U);
}

TEST(Cached, ForgetsAfterItsTime) {
  TestClock clock;
  int n_calls = 0;
  const auto now = cached<int>([&](int) { return ++n_calls; }, {.ttl_ms = 100, .now = clock.clock()});
  EXPECT_EQ(now(1), 1);
  clock.advance_ms(99);
  EXPECT_EQ(now(1), 1);
  clock.advance_ms(1);
  EXPECT_EQ(now(1), 2);
  ASSERT_TRUE(now.forget(1).ok());
  EXPECT_EQ(now(1), 3);
}

TEST(Cached, StaysWithinItsBytes) {
  constexpr int64_t kLimit = 20'000;
  const auto page = cached<int>([](int n) { return std::string(1'000, static_cast<char>('a' + n % 26)); },
                                {.limit_bytes = kLimit});
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(page(n).size(), 1'000U);
    EXPECT_LE(page.stats().tier.size_bytes, kLimit);
  }
  const CachedStats stats = page.stats();
  EXPECT_EQ(stats.tier.n_entries, kLimit / (1'000 + MemoryTier::kEntryOverheadBytes));
  EXPECT_GT(stats.tier.evictions, 80U);
  const auto none = cached<int>([](int n) { return n; }, {.limit_bytes = 0});
  EXPECT_EQ(none(1) + none(1), 2);
  EXPECT_EQ(none.stats().n_computed, 2U);
}

TEST(Cached, CallersInFlightShareOneComputation) {
  std::promise<void> inside, release;
  auto released = release.get_future().share();
  std::atomic<int> n_calls = 0;
  const auto slow = cached<int>([&](int n) -> Result<Numbers> {
    if (++n_calls == 1) inside.set_value();
    released.wait();
    return Numbers{static_cast<float>(n)};
  });
  std::vector<std::future<Result<Numbers>>> callers;
  const auto call = [&] { return slow(7); };
  callers.push_back(std::async(std::launch::async, call));
  inside.get_future().wait();
  for (int i = 0; i < 5; ++i) callers.push_back(std::async(std::launch::async, call));
  release.set_value();
  for (auto& caller : callers) EXPECT_EQ(*caller.get(), Numbers{7});
  EXPECT_EQ(n_calls, 1) << "those who came late found it in the cache";
  const CachedStats stats = slow.stats();
  EXPECT_EQ(stats.n_computed, 1U);
  EXPECT_EQ(stats.n_shared + stats.n_hits, 5U);
}

TEST(Cached, ACancelTokenIsNoPartOfTheKeyAndEndsTheWait) {
  std::promise<void> inside, release;
  auto released = release.get_future().share();
  const auto slow = cached<int, CancelToken>([&](int n, const CancelToken&) -> Result<int> {
    if (n == 1) {
      inside.set_value();
      released.wait();
    }
    return n;
  });
  auto leader = std::async(std::launch::async, [&] { return slow(1, CancelToken()); });
  inside.get_future().wait();
  const CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(slow(1, cancel).error().code, ErrorCode::kCancelled);
  release.set_value();
  EXPECT_EQ(*leader.get(), 1);
  EXPECT_EQ(*slow(1, cancel), 1) << "what is there is given to anybody";
}

TEST(Cached, WhatIsThrownReachesTheCaller) {
  int n_calls = 0;
  const auto risky = cached<int>([&](int n) {
    if (++n_calls == 1) throw std::runtime_error("once");
    return n;
  });
  EXPECT_THROW(risky(5), std::runtime_error);
  EXPECT_EQ(risky(5), 5);
}

TEST(Cached, MayUseATierOfOthers) {
  const test::TempFolder folder;
  auto opened = DiskTier::open({.path = folder.path("cache.db")});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const std::shared_ptr<Tier> tier = *std::move(opened);
  int n_calls = 0;
  const auto count = [&](const std::string& text) { return ++n_calls, static_cast<int>(text.size()); };
  const std::string text = "four";
  EXPECT_EQ(cached<std::string>(count, {.tier = tier, .name = "count"})(text), 4);
  EXPECT_EQ(cached<std::string>(count, {.tier = tier, .name = "count"})(text), 4);
  EXPECT_EQ(n_calls, 1) << "another wrapper of the same name finds it";
  EXPECT_EQ(cached<std::string>(count, {.tier = tier, .name = "other"})(text), 4);
  EXPECT_EQ(n_calls, 2);
  // A value of another form is not believed.
  const auto letter = [](const std::string&) { return std::string("x"); };
  EXPECT_EQ(cached<std::string>(letter, {.tier = tier, .name = "third"})(text), "x");
  EXPECT_EQ(cached<std::string>(count, {.tier = tier, .name = "third"})(text), 4);
}

template <typename... Args>
CacheKey key_of(const Args&... args) {
  FieldHasher key;
  (add_to_key(key, args), ...);
  return key.finish();
}

TEST(AddToKey, TellsArgumentsApart) {
  using Texts = std::vector<std::string>;
  EXPECT_NE(key_of(Texts{"ab", "c"}), key_of(Texts{"a", "bc"}));
  EXPECT_NE(key_of(Texts{"a"}, Texts{}), key_of(Texts{}, Texts{"a"}));
  EXPECT_NE(key_of(std::optional<int>()), key_of(std::optional<int>(0)));
  EXPECT_NE(key_of(0.5F), key_of(0.25F));
  EXPECT_NE(key_of(std::pair(1, 2)), key_of(std::pair(2, 1)));
  EXPECT_EQ(key_of(std::string("a"), CancelToken()), key_of("a"));
}

template <typename T>
void comes_back() {
  EXPECT_TRUE(rc::check([](const T& value) {
    const std::string bytes = CacheCodec<T>::encode(value);
    RC_ASSERT(CacheCodec<T>::decode(bytes) == std::optional<T>(value));
  }));
}

TEST(CacheCodecProperties, ValuesComeBack) {
  comes_back<int64_t>();
  comes_back<std::string>();
  comes_back<std::vector<uint16_t>>();
  comes_back<std::vector<bool>>();
  comes_back<std::vector<std::string>>();
  comes_back<std::vector<std::vector<int>>>();
}

TEST(CacheCodecProperties, DamagedBytesAreRefusedOrReadWithinBounds) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    (void)CacheCodec<std::vector<std::string>>::decode(bytes);
    RC_ASSERT(CacheCodec<std::vector<float>>::decode(bytes).has_value() == (bytes.size() % sizeof(float) == 0));
    RC_ASSERT(CacheCodec<int64_t>::decode(bytes).has_value() == (bytes.size() == sizeof(int64_t)));
  }));
}

}  // namespace
}  // namespace docmind::cache
