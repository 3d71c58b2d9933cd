// TieredCache: tiers in order, the fastest first, used as one cache.
// SPDX-License-Identifier: Apache-2.0
#include "cache/tiered_cache.h"

#include <utility>

namespace docmind::cache {
namespace {

template <typename Call>
Status for_each_tier(const std::vector<std::unique_ptr<Tier>>& tiers, Call&& call) {
  Status first;
  for (const auto& tier : tiers) {
    Status status = call(*tier);
    if (!status.ok() && first.ok()) {
      first = std::move(status).error().with_context("the cache on " + tier->name());
    }
  }
  return first;
}

std::optional<CacheEntry> look_in(Tier& tier, const CacheKey& key) {
  Result<std::optional<CacheEntry>> entry = tier.get(key);
  return entry.ok() ? *std::move(entry) : std::nullopt;
}

}  // namespace

std::optional<TieredHit> TieredCache::get(const CacheKey& key) {
  if (tiers_.empty()) return std::nullopt;
  // Most hits end here, without the stripe's lock.
  if (auto entry = look_in(*tiers_[0], key)) return TieredHit{*std::move(entry), 0};
  std::lock_guard lock(stripe_of(key));
  for (size_t i = 1; i < tiers_.size(); ++i) {
    auto entry = look_in(*tiers_[i], key);
    if (!entry) continue;
    for (size_t faster = 0; faster < i; ++faster) {
      // It only makes the next get faster; the tier counts its error.
      [[maybe_unused]] Status ignored = tiers_[faster]->put(key, *entry);
    }
    return TieredHit{*std::move(entry), i};
  }
  return std::nullopt;
}

Status TieredCache::put(const CacheKey& key, const CacheEntry& entry) {
  std::lock_guard lock(stripe_of(key));
  return for_each_tier(tiers_, [&](Tier& tier) { return tier.put(key, entry); });
}

Status TieredCache::erase(const CacheKey& key) {
  std::lock_guard lock(stripe_of(key));
  return for_each_tier(tiers_, [&](Tier& tier) { return tier.erase(key); });
}

Status TieredCache::clear() {
  std::array<std::unique_lock<std::mutex>, kStripes> locks;
  for (size_t i = 0; i < kStripes; ++i) locks[i] = std::unique_lock(stripes_[i]);
  return for_each_tier(tiers_, [](Tier& tier) { return tier.clear(); });
}

std::vector<TierStats> TieredCache::stats() const {
  std::vector<TierStats> all;
  for (const auto& tier : tiers_) all.push_back(tier->stats());
  return all;
}

}  // namespace docmind::cache
