// WriteBehind and TieredCache with it: order, what waits, a full queue, and the end.
// SPDX-License-Identifier: Apache-2.0
#include "cache/write_behind.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cache/disk_tier.h"
#include "cache/memory_tier.h"
#include "cache/tiered_cache.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

// A door that writes wait at until it is opened.
class Gate {
 public:
  void open() { set(true); }
  void close() { set(false); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++n_waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --n_waiting_;
  }
  void await_waiting() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_waiting_ > 0; });
  }

 private:
  void set(bool open) {
    std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int n_waiting_ = 0;
};

// A tier behind a gate that keeps a list of what was put.
class GatedTier final : public Tier {
 public:
  explicit GatedTier(Gate& gate) : gate_(gate) {}
  std::string name() const override { return "disk"; }
  Result<std::optional<CacheEntry>> get(const CacheKey& key) override { return inner_.get(key); }
  Status put(const CacheKey& key, CacheEntry entry) override {
    gate_.pass();
    std::lock_guard lock(mutex_);
    puts_.push_back(*entry.value);
    return inner_.put(key, std::move(entry));
  }
  Status erase(const CacheKey& key) override { return inner_.erase(key); }
  Status clear() override { return inner_.clear(); }
  TierStats stats() const override { return inner_.stats(); }
  Status set_limit(int64_t limit_bytes) override { return inner_.set_limit(limit_bytes); }
  std::vector<std::string> puts() const {
    std::lock_guard lock(mutex_);
    return puts_;
  }

 private:
  Gate& gate_;
  MemoryTier inner_{MemoryTierOptions{}};
  mutable std::mutex mutex_;
  std::vector<std::string> puts_;
};

class WriteBehindTest : public testing::Test {
 protected:
  void make(int64_t memory_bytes, int64_t queue_bytes) {
    std::vector<std::unique_ptr<Tier>> tiers;
    tiers.push_back(std::make_unique<MemoryTier>(
        MemoryTierOptions{.limit_bytes = memory_bytes, .now = clock_.clock()}));
    auto slow = std::make_unique<GatedTier>(gate_);
    slow_ = slow.get();
    tiers.push_back(std::move(slow));
    cache_ = std::make_unique<TieredCache>(
        std::move(tiers), TieredCacheOptions{.write_behind = true,
                                             .queue_bytes = queue_bytes,
                                             .now = clock_.clock()});
  }
  void put(int64_t key, const std::string& value, int64_t expires_unix_ms = 0) {
    ASSERT_TRUE(cache_->put(test_key(key), make_entry(value, 0, expires_unix_ms)).ok());
  }
  std::string get(int64_t key) {
    const auto hit = cache_->get(test_key(key));
    return hit ? *hit->entry.value : "(none)";
  }

  TestClock clock_;
  Gate gate_;
  GatedTier* slow_ = nullptr;
  std::unique_ptr<TieredCache> cache_;
};

TEST_F(WriteBehindTest, ReturnsBeforeTheSlowTierHasItAndWritesInOrder) {
  make(1 << 20, 1 << 20);
  gate_.close();
  for (int i = 0; i < 5; ++i) put(i % 3, "v" + std::to_string(i));
  EXPECT_EQ(get(0), "v3");
  EXPECT_EQ(value_in(*slow_, test_key(0)), "(none)");
  EXPECT_GT(cache_->waiting_bytes(), 0);
  gate_.open();
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(cache_->waiting_bytes(), 0);
  EXPECT_EQ(slow_->puts(), (std::vector<std::string>{"v0", "v1", "v2", "v3", "v4"}));
  EXPECT_EQ(value_in(*slow_, test_key(0)), "v3");
}

TEST_F(WriteBehindTest, FindsWhatWaitsThoughMemoryDroppedIt) {
  make(0, 1 << 20);
  put(1, "old");
  ASSERT_TRUE(cache_->flush().ok());
  gate_.close();
  put(1, "new");
  put(1, "newest");
  put(2, "short-lived", clock_.now() + 10);
  EXPECT_EQ(get(1), "newest");
  EXPECT_EQ(get(2), "short-lived");
  clock_.advance_ms(10);
  EXPECT_EQ(get(2), "(none)");
  gate_.open();
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(get(1), "newest");
}

TEST_F(WriteBehindTest, AnEraseIsNotOvertakenByAPutThatIsBeingWritten) {
  make(1 << 20, 1 << 20);
  gate_.close();
  put(1, "being written");
  gate_.await_waiting();
  put(1, "waits");
  put(2, "other");
  const int64_t waiting_bytes = cache_->waiting_bytes();
  std::thread eraser([&] { EXPECT_TRUE(cache_->erase(test_key(1)).ok()); });
  EXPECT_EQ(get(2), "other");
  while (cache_->waiting_bytes() == waiting_bytes) std::this_thread::yield();  // "waits" is dropped
  gate_.open();
  eraser.join();
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(get(1), "(none)");
  EXPECT_EQ(value_in(*slow_, test_key(1)), "(none)");
  EXPECT_EQ(value_in(*slow_, test_key(2)), "other");
  EXPECT_EQ(slow_->puts(), (std::vector<std::string>{"being written", "other"}));
}

TEST_F(WriteBehindTest, AClearEmptiesTheQueue) {
  make(1 << 20, 1 << 20);
  gate_.close();
  for (int i = 0; i < 4; ++i) put(i, "v");
  gate_.await_waiting();
  std::thread clearer([&] { EXPECT_TRUE(cache_->clear().ok()); });
  while (cache_->waiting_bytes() > MemoryTier::charge_of(make_entry("v"))) std::this_thread::yield();
  gate_.open();
  clearer.join();
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(slow_->stats().n_entries, 0);
  put(1, "after");
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(value_in(*slow_, test_key(1)), "after");
}

TEST_F(WriteBehindTest, WritesThroughWhenTheQueueIsFull) {
  const int64_t charge = MemoryTier::charge_of(make_entry("v0"));
  make(1 << 20, 2 * charge);
  gate_.close();
  put(0, "v0");
  put(1, "v1");
  gate_.await_waiting();
  EXPECT_EQ(cache_->waiting_bytes(), 2 * charge);
  std::thread caller([&] { put(1, "v2"); });  // waits at the gate itself
  while (cache_->waiting_bytes() > charge) std::this_thread::yield();  // v1 is given up for it
  EXPECT_EQ(get(0), "v0");
  gate_.open();
  caller.join();
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(value_in(*slow_, test_key(1)), "v2");
  EXPECT_EQ(value_in(*slow_, test_key(0)), "v0");
  EXPECT_EQ(slow_->stats().puts, 2u);
}

TEST_F(WriteBehindTest, ThePutWrittenThroughWaitsForAnOlderOne) {
  make(1 << 20, MemoryTier::charge_of(make_entry("older")));
  gate_.close();
  put(1, "older");
  gate_.await_waiting();
  std::thread caller([&] { put(1, "newer"); });
  gate_.open();
  caller.join();
  ASSERT_TRUE(cache_->flush().ok());
  EXPECT_EQ(slow_->puts(), (std::vector<std::string>{"older", "newer"}));
  EXPECT_EQ(value_in(*slow_, test_key(1)), "newer");
}

TEST(WriteBehindOnDisk, WritesWhatIsLeftWhenItEnds) {
  const test::TempFolder folder;
  const DiskTierOptions options = {.path = folder.path("cache.db")};
  {
    std::vector<std::unique_ptr<Tier>> tiers;
    tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{}));
    auto disk = DiskTier::open(options);
    ASSERT_TRUE(disk.ok());
    tiers.push_back(*std::move(disk));
    TieredCache cache(std::move(tiers), {.write_behind = true});
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(cache.put(test_key(i), make_entry("v" + std::to_string(i))).ok());
    }
  }
  auto disk = DiskTier::open(options);
  ASSERT_TRUE(disk.ok());
  for (int i = 0; i < 200; ++i) EXPECT_EQ(value_in(**disk, test_key(i)), "v" + std::to_string(i));
}

// Each thread owns its keys and knows what it did last; the others only disturb.
TEST(WriteBehindThreads, EveryThreadFindsItsLastPut) {
  std::vector<std::unique_ptr<Tier>> tiers;
  tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{.limit_bytes = 20'000}));
  tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{}));
  Tier& slow = *tiers[1];
  TieredCache cache(std::move(tiers), {.write_behind = true, .queue_bytes = 5'000});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::string> last(8, "(none)");
      for (int i = 0; i < 4'000; ++i) {
        const auto own = static_cast<size_t>(i * 7 % 8);
        const CacheKey key = test_key(t * 100 + static_cast<int>(own));
        if (i % 5 == 4) {
          EXPECT_TRUE(cache.erase(key).ok());
          last[own] = "(none)";
        } else if (i % 2 == 0) {
          last[own] = std::to_string(i);
          EXPECT_TRUE(cache.put(key, make_entry(last[own])).ok());
        }
        const auto hit = cache.get(key);
        EXPECT_EQ(hit ? *hit->entry.value : "(none)", last[own]);
        if (i % 1'000 == 999) {
          EXPECT_TRUE(cache.flush().ok());
        }
      }
      EXPECT_TRUE(cache.flush().ok());
      for (size_t own = 0; own < 8; ++own) {
        EXPECT_EQ(value_in(slow, test_key(t * 100 + static_cast<int>(own))), last[own]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace docmind::cache
