// Properties of the tiers against a simple model: the last put or nothing, never above the limit.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cache/disk_tier.h"
#include "cache/memory_tier.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

struct Step {
  enum class Kind { kPut, kGet, kErase, kAdvance, kClear };
  Kind kind = Kind::kGet;
  int64_t key = 0;
  size_t size = 0;
  int64_t ms = 0;  // life of a put (0: for ever), or how far the clock goes
};

std::vector<Step> any_steps(int max_value_bytes) {
  using rc::gen::inRange;
  const auto kind = rc::gen::weightedElement<Step::Kind>({{10, Step::Kind::kPut},
                                                          {8, Step::Kind::kGet},
                                                          {2, Step::Kind::kErase},
                                                          {2, Step::Kind::kAdvance},
                                                          {1, Step::Kind::kClear}});
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, kind), rc::gen::set(&Step::key, inRange<int64_t>(0, 25)),
      rc::gen::set(&Step::size, inRange<size_t>(0, static_cast<size_t>(max_value_bytes))),
      rc::gen::set(&Step::ms, rc::gen::element<int64_t>(0, 0, 1, 10, 100)));
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
  const std::map<int64_t, std::pair<std::string, int64_t>>& entries() const { return entries_; }

 private:
  std::map<int64_t, std::pair<std::string, int64_t>> entries_;
};

void run_step(Tier& tier, Model& model, const Step& step, int64_t& now, int& n_values) {
  switch (step.kind) {
    case Step::Kind::kPut: {
      std::string value = std::to_string(++n_values) + ":" + std::string(step.size, 'v');
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
    case Step::Kind::kAdvance: now += step.ms; break;
    case Step::Kind::kClear:
      RC_ASSERT(tier.clear().ok());
      model.clear();
      break;
  }
  const TierStats stats = tier.stats();
  RC_ASSERT(stats.size_bytes <= stats.limit_bytes);
  RC_ASSERT(stats.errors == 0u);
}

TEST(CacheTierProperty, MemoryNeverLiesAndKeepsItsLimit) {
  EXPECT_TRUE(rc::check("memory tier against the model", [] {
    int64_t now = 1'000;
    int n_values = 0;
    MemoryTier tier({.limit_bytes = *rc::gen::inRange<int64_t>(0, 8'000),
                     .n_shards = static_cast<size_t>(*rc::gen::inRange(1, 4)),
                     .now = [&now] { return now; }});
    Model model;
    for (const Step& step : any_steps(1'500)) run_step(tier, model, step, now, n_values);
    RC_ASSERT(tier.clear().ok());
    RC_ASSERT(tier.stats().size_bytes == 0);
  }));
}

TEST(CacheTierProperty, MemoryWithRoomForgetsNothing) {
  EXPECT_TRUE(rc::check("a memory tier below its limit holds every live entry", [] {
    int64_t now = 1'000;
    int n_values = 0;
    MemoryTier tier({.now = [&now] { return now; }});
    Model model;
    for (const Step& step : any_steps(1'500)) run_step(tier, model, step, now, n_values);
    for (const auto& [key, entry] : model.entries()) {
      const bool lives = entry.second == 0 || entry.second > now;
      RC_ASSERT((*tier.get(key_of(key))).has_value() == lives);
    }
  }));
}

TEST(CacheTierProperty, DiskNeverLiesAndKeepsItsLimit) {
  EXPECT_TRUE(rc::check("disk tier against the model", [] {
    const test::TempFolder folder;
    int64_t now = 1'000;
    int n_values = 0;
    auto tier = DiskTier::open({.path = folder.path("cache.db"),
                                .limit_bytes = *rc::gen::inRange<int64_t>(100'000, 400'000),
                                .now = [&now] { return now; }});
    RC_ASSERT(tier.ok());
    Model model;
    for (const Step& step : any_steps(60'000)) run_step(**tier, model, step, now, n_values);
  }));
}

TEST(CacheTierProperty, DiskHoldsTheSameAfterAReopen) {
  EXPECT_TRUE(rc::check("every live entry is there after a reopen", [] {
    const test::TempFolder folder;
    int64_t now = 1'000;
    int n_values = 0;
    const DiskTierOptions options = {.path = folder.path("cache.db"), .now = [&now] { return now; }};
    Model model;
    {
      auto tier = DiskTier::open(options);
      RC_ASSERT(tier.ok());
      for (const Step& step : any_steps(20'000)) run_step(**tier, model, step, now, n_values);
    }
    auto tier = DiskTier::open(options);
    RC_ASSERT(tier.ok());
    for (const auto& [key, entry] : model.entries()) {
      const bool lives = entry.second == 0 || entry.second > now;
      const auto got = (*tier)->get(key_of(key));
      RC_ASSERT(got.ok());
      RC_ASSERT(got->has_value() == lives);
      if (lives) RC_ASSERT(*(*got)->value == entry.first);
    }
  }));
}

}  // namespace
}  // namespace docmind::cache
