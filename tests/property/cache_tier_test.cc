// Properties of the tiers against a simple model: the last put or nothing, never above the limit,
// also after a crash, and with puts written later.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cache/disk_tier.h"
#include "cache/memory_tier.h"
#include "cache/tiered_cache.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

struct Step {
  enum class Kind { kPut, kGet, kErase, kAdvance, kClear, kLimit };
  Kind kind = Kind::kGet;
  int64_t key = 0;
  size_t size = 0;
  int64_t ms = 0;  // life of a put (0: for ever), or how far the clock goes, back too
  double share = 1;  // of the first limit, that a new one is
};

std::vector<Step> any_steps(int max_value_bytes) {
  using rc::gen::inRange;
  const auto kind = rc::gen::weightedElement<Step::Kind>({{10, Step::Kind::kPut},
                                                          {8, Step::Kind::kGet},
                                                          {2, Step::Kind::kErase},
                                                          {2, Step::Kind::kAdvance},
                                                          {1, Step::Kind::kClear},
                                                          {1, Step::Kind::kLimit}});
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, kind), rc::gen::set(&Step::key, inRange<int64_t>(0, 25)),
      rc::gen::set(&Step::size, inRange<size_t>(0, static_cast<size_t>(max_value_bytes))),
      rc::gen::set(&Step::ms, rc::gen::element<int64_t>(0, 0, 1, 10, 100)),
      rc::gen::set(&Step::share, rc::gen::element(0.0, 0.3, 0.6, 1.0)));
  return *rc::gen::container<std::vector<Step>>(step);
}

CacheKey key_of(int64_t n) { return FieldHasher().add(n).finish(); }

// What a perfect cache without a limit would hold.
class Model {
 public:
  void put(int64_t key, std::string value, int64_t expires) { entries_[key] = {value, expires}; }
  void erase(int64_t key) { entries_.erase(key); }
  void clear() { entries_.clear(); }
  // Whether a cache may answer so: nothing, or the last value while it lives.
  bool allows(int64_t key, const std::optional<CacheEntry>& got, int64_t now) const {
    if (!got) return true;
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    const auto& [value, expires] = found->second;
    return *got->value == value && got->expires_unix_ms == expires &&
           (expires == 0 || expires > now);
  }
  bool has(int64_t key, int64_t now) const {
    const auto found = entries_.find(key);
    return found != entries_.end() && (found->second.second == 0 || found->second.second > now);
  }
  const std::map<int64_t, std::pair<std::string, int64_t>>& entries() const { return entries_; }

 private:
  std::map<int64_t, std::pair<std::string, int64_t>> entries_;
};

// A value that compresses well, or not at all.
std::string value_of(int number, size_t size) {
  std::string value = std::to_string(number) + ":";
  if (number % 2 == 0) return value + std::string(size, 'v');
  std::mt19937 random(static_cast<uint32_t>(number));
  for (size_t i = 0; i < size; ++i) value += static_cast<char>(random());
  return value;
}

// What a sequence of steps runs on.
struct World {
  int64_t first_limit_bytes = 0;  // that limits are shares of; 0: they do not change
  int64_t now = 1'000;
  int n_values = 0;
  Model model = {};
};

void run_step(Tier& tier, const Step& step, World& world) {
  Model& model = world.model;
  int64_t& now = world.now;
  switch (step.kind) {
    case Step::Kind::kPut: {
      const std::string value = value_of(++world.n_values, step.size);
      const int64_t expires = step.ms == 0 ? 0 : now + step.ms;
      RC_ASSERT(tier.put(key_of(step.key), make_entry(value, now, expires)).ok());
      model.put(step.key, value, expires);
      break;
    }
    case Step::Kind::kGet: {
      const auto got = tier.get(key_of(step.key));
      RC_ASSERT(got.ok());
      RC_ASSERT(model.allows(step.key, *got, now));
      break;
    }
    case Step::Kind::kErase:
      RC_ASSERT(tier.erase(key_of(step.key)).ok());
      model.erase(step.key);
      break;
    case Step::Kind::kAdvance: now += step.size % 4 == 0 ? -step.ms : step.ms; break;
    case Step::Kind::kLimit:
      if (world.first_limit_bytes > 0) {
        const auto first = static_cast<double>(world.first_limit_bytes);
        RC_ASSERT(tier.set_limit(static_cast<int64_t>(first * step.share)).ok());
      }
      break;
    case Step::Kind::kClear:
      RC_ASSERT(tier.clear().ok());
      model.clear();
      break;
  }
  const TierStats stats = tier.stats();
  // An empty SQLite file has its pages, too.
  RC_ASSERT(stats.size_bytes <= stats.limit_bytes || stats.n_entries == 0);
  RC_ASSERT(stats.errors == 0u);
}

TEST(CacheTierProperty, MemoryNeverLiesAndKeepsItsLimit) {
  EXPECT_TRUE(rc::check("memory tier against the model", [] {
    World world{.first_limit_bytes = *rc::gen::inRange<int64_t>(0, 8'000)};
    MemoryTier tier({.limit_bytes = world.first_limit_bytes,
                     .n_shards = static_cast<size_t>(*rc::gen::inRange(1, 4)),
                     .now = [&world] { return world.now; }});
    for (const Step& step : any_steps(1'500)) {
      run_step(tier, step, world);
      RC_ASSERT(tier.stats().size_bytes <= tier.stats().limit_bytes);
    }
    RC_ASSERT(tier.clear().ok());
    RC_ASSERT(tier.stats().size_bytes == 0);
  }));
}

TEST(CacheTierProperty, MemoryWithRoomForgetsNothing) {
  EXPECT_TRUE(rc::check("a memory tier below its limit holds every live entry", [] {
    World world;
    MemoryTier tier({.now = [&world] { return world.now; }});
    int64_t latest = 0;
    for (const Step& step : any_steps(1'500)) {
      run_step(tier, step, world);
      latest = std::max(latest, world.now);
    }
    for (const auto& [key, entry] : world.model.entries()) {
      // An entry that was met dead stays dead when the clock goes back.
      if (entry.second != 0 && entry.second <= latest && entry.second > world.now) continue;
      const bool lives = entry.second == 0 || entry.second > world.now;
      RC_ASSERT((*tier.get(key_of(key))).has_value() == lives);
    }
  }));
}

TEST(CacheTierProperty, DiskNeverLiesAndKeepsItsLimit) {
  EXPECT_TRUE(rc::check("disk tier against the model", [] {
    const test::TempFolder folder;
    World world{.first_limit_bytes = *rc::gen::inRange<int64_t>(100'000, 400'000)};
    auto tier = DiskTier::open({.path = folder.path("cache.db"),
                                .limit_bytes = world.first_limit_bytes,
                                .now = [&world] { return world.now; }});
    RC_ASSERT(tier.ok());
    for (const Step& step : any_steps(60'000)) run_step(**tier, step, world);
  }));
}

// Every file of a store that is open now, as a crash would leave it, in another folder.
void copy_as_left_by_a_crash(const test::TempFolder& from, const test::TempFolder& to) {
  for (const char* name : {"cache.db", "cache.db-wal"}) {
    if (from.exists(name)) to.write(name, from.read(name));
  }
}

TEST(CacheTierProperty, DiskHoldsTheSameAfterACrashOrAReopen) {
  EXPECT_TRUE(rc::check("every live entry is there after a crash or a reopen", [] {
    const test::TempFolder folder;
    const test::TempFolder crashed;
    const bool crashes = *rc::gen::arbitrary<bool>();
    World world;
    const auto clock = [&world] { return world.now; };
    int64_t latest = 0;
    {
      auto tier = DiskTier::open({.path = folder.path("cache.db"), .now = clock});
      RC_ASSERT(tier.ok());
      for (const Step& step : any_steps(20'000)) {
        run_step(**tier, step, world);
        latest = std::max(latest, world.now);
      }
      if (crashes) copy_as_left_by_a_crash(folder, crashed);
    }
    const test::TempFolder& left = crashes ? crashed : folder;
    auto tier = DiskTier::open({.path = left.path("cache.db"), .now = clock});
    RC_ASSERT(tier.ok());
    RC_ASSERT((*tier)->take_warning().empty());
    for (const auto& [key, entry] : world.model.entries()) {
      if (entry.second != 0 && entry.second <= latest && entry.second > world.now) continue;
      const bool lives = entry.second == 0 || entry.second > world.now;
      const auto got = (*tier)->get(key_of(key));
      RC_ASSERT(got.ok());
      RC_ASSERT(got->has_value() == lives);
      if (lives) RC_ASSERT(*(*got)->value == entry.first);
    }
  }));
}

// Slow enough for the queue to matter, and never full.
class SlowTier final : public Tier {
 public:
  explicit SlowTier(WallClock now) : inner_({.now = std::move(now)}) {}
  std::string name() const override { return "disk"; }
  Result<std::optional<CacheEntry>> get(const CacheKey& key) override { return inner_.get(key); }
  Status put(const CacheKey& key, CacheEntry entry) override {
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    return inner_.put(key, std::move(entry));
  }
  Status erase(const CacheKey& key) override { return inner_.erase(key); }
  Status clear() override { return inner_.clear(); }
  TierStats stats() const override { return inner_.stats(); }
  Status set_limit(int64_t limit_bytes) override { return inner_.set_limit(limit_bytes); }

 private:
  MemoryTier inner_;
};

// The first tier is too small for most entries, so that what it drops must come from the queue or
// from behind it: exactly the last put, at any moment.
TEST(CacheTierProperty, WriteBehindAnswersAsIfItWroteAtOnce) {
  EXPECT_TRUE(rc::check("write-behind against the model", [] {
    std::atomic<int64_t> now = 1'000;
    const auto clock = [&now] { return now.load(); };
    std::vector<std::unique_ptr<Tier>> tiers;
    tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{
        .limit_bytes = *rc::gen::inRange<int64_t>(0, 4'000), .n_shards = 1, .now = clock}));
    tiers.push_back(std::make_unique<SlowTier>(clock));
    Tier& slow = *tiers[1];
    TieredCache cache(std::move(tiers), {.write_behind = true,
                                         .queue_bytes = *rc::gen::inRange<int64_t>(0, 10'000),
                                         .now = clock});
    Model model;
    int n_values = 0;
    for (const Step& step : any_steps(1'500)) {
      const CacheKey key = key_of(step.key);
      switch (step.kind) {
        case Step::Kind::kPut: {
          const std::string value = value_of(++n_values, step.size);
          const int64_t expires = step.ms == 0 ? 0 : now + step.ms;
          RC_ASSERT(cache.put(key, make_entry(value, now, expires)).ok());
          model.put(step.key, value, expires);
          break;
        }
        case Step::Kind::kGet: {
          const auto hit = cache.get(key);
          RC_ASSERT(hit.has_value() == model.has(step.key, now));
          if (hit) RC_ASSERT(model.allows(step.key, hit->entry, now));
          break;
        }
        case Step::Kind::kErase:
          RC_ASSERT(cache.erase(key).ok());
          model.erase(step.key);
          break;
        case Step::Kind::kAdvance: now += step.ms; break;
        case Step::Kind::kClear:
          RC_ASSERT(cache.clear().ok());
          model.clear();
          break;
        case Step::Kind::kLimit: RC_ASSERT(cache.flush().ok()); break;
      }
    }
    RC_ASSERT(cache.flush().ok());
    RC_ASSERT(cache.waiting_bytes() == 0);
    for (int64_t key = 0; key < 25; ++key) {
      const auto got = slow.get(key_of(key));
      RC_ASSERT(got.ok() && got->has_value() == model.has(key, now));
      RC_ASSERT(model.allows(key, *got, now));
    }
  }));
}

}  // namespace
}  // namespace docmind::cache
