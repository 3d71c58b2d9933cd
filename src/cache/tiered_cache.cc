// TieredCache: tiers in order, the fastest first, used as one cache.
// SPDX-License-Identifier: Apache-2.0
#include "cache/tiered_cache.h"

#include <string>
#include <utility>

namespace docmind::cache {
namespace {

void keep_first(Status& first, Status status, const Tier& tier) {
  if (status.ok() || !first.ok()) return;
  first = Error(status.error()).with_context("the cache on " + tier.name());
}

std::optional<CacheEntry> look_in(Tier& tier, const CacheKey& key) {
  Result<std::optional<CacheEntry>> entry = tier.get(key);
  return entry.ok() ? *std::move(entry) : std::nullopt;
}

}  // namespace

TieredCache::TieredCache(std::vector<std::unique_ptr<Tier>> tiers, TieredCacheOptions options)
    : tiers_(std::move(tiers)), now_(std::move(options.now)) {
  if (!options.write_behind || tiers_.size() < 2) return;
  const auto write = [this](const CacheKey& key, const CacheEntry& entry) {
    return put_from(1, key, entry);
  };
  behind_ = std::make_unique<WriteBehind>(write, options.queue_bytes);
}

std::optional<TieredHit> TieredCache::get(const CacheKey& key) {
  if (tiers_.empty()) return std::nullopt;
  // Most hits end here, without the stripe's lock.
  if (auto entry = look_in(*tiers_[0], key)) return TieredHit{*std::move(entry), 0};
  std::lock_guard lock(stripe_of(key));
  // What waits is newer than what the slower tiers have; it may have left the first tier already.
  if (std::optional<CacheEntry> entry = behind_ ? behind_->find(key) : std::nullopt) {
    if (entry->expires_unix_ms != 0 && entry->expires_unix_ms <= now_()) return std::nullopt;
    promote(1, key, *entry);
    return TieredHit{*std::move(entry), 0};
  }
  for (size_t i = 1; i < tiers_.size(); ++i) {
    auto entry = look_in(*tiers_[i], key);
    if (!entry) continue;
    promote(i, key, *entry);
    return TieredHit{*std::move(entry), i};
  }
  return std::nullopt;
}

std::optional<CacheEntry> TieredCache::get_fastest(const CacheKey& key) {
  return tiers_.empty() ? std::nullopt : look_in(*tiers_[0], key);
}

// Only makes the next get faster; a tier that fails counts its error.
void TieredCache::promote(size_t below_tier, const CacheKey& key, const CacheEntry& entry) {
  for (size_t i = 0; i < below_tier; ++i) {
    [[maybe_unused]] Status ignored = tiers_[i]->put(key, entry);
  }
}

Status TieredCache::put(const CacheKey& key, const CacheEntry& entry) {
  std::lock_guard lock(stripe_of(key));
  if (behind_ == nullptr) return put_from(0, key, entry);
  Status first;
  keep_first(first, tiers_[0]->put(key, entry), *tiers_[0]);
  if (behind_->add(key, entry)) return first;
  behind_->cancel(key);
  Status others = put_from(1, key, entry);
  return first.ok() ? others : first;
}

Status TieredCache::put_from(size_t first_tier, const CacheKey& key, const CacheEntry& entry) {
  Status first;
  for (size_t i = first_tier; i < tiers_.size(); ++i) {
    Status put = tiers_[i]->put(key, entry);
    if (put.ok()) continue;
    // Else the old entry would come back once the faster tiers have dropped the new one.
    [[maybe_unused]] Status ignored = tiers_[i]->erase(key);
    keep_first(first, std::move(put), *tiers_[i]);
  }
  return first;
}

Status TieredCache::erase(const CacheKey& key) {
  std::lock_guard lock(stripe_of(key));
  if (behind_ != nullptr) behind_->cancel(key);
  Status first;
  for (const auto& tier : tiers_) keep_first(first, tier->erase(key), *tier);
  return first;
}

Status TieredCache::clear() {
  std::array<std::unique_lock<std::mutex>, kStripes> locks;
  for (size_t i = 0; i < kStripes; ++i) locks[i] = std::unique_lock(stripes_[i]);
  if (behind_ != nullptr) behind_->cancel_all();
  Status first;
  for (const auto& tier : tiers_) keep_first(first, tier->clear(), *tier);
  return first;
}

// With all stripes: a promotion that read the last tier before its change is done by then.
void TieredCache::drop_faster_tiers() {
  if (behind_ != nullptr) {
    [[maybe_unused]] const Status written = behind_->flush();
  }
  std::array<std::unique_lock<std::mutex>, kStripes> locks;
  for (size_t i = 0; i < kStripes; ++i) locks[i] = std::unique_lock(stripes_[i]);
  for (size_t i = 0; i + 1 < tiers_.size(); ++i) {
    [[maybe_unused]] const Status ignored = tiers_[i]->clear();
  }
}

Status TieredCache::flush() {
  if (behind_ == nullptr) return {};
  return behind_->flush();
}

std::vector<TierStats> TieredCache::stats() const {
  std::vector<TierStats> all;
  for (const auto& tier : tiers_) all.push_back(tier->stats());
  return all;
}

Status TieredCache::set_limits(std::span<const int64_t> limit_bytes) {
  if (limit_bytes.size() != tiers_.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 "the cache has " + std::to_string(tiers_.size()) + " tiers, but " +
                     std::to_string(limit_bytes.size()) + " limits were given"};
  }
  Status first;
  for (size_t i = 0; i < tiers_.size(); ++i) {
    keep_first(first, tiers_[i]->set_limit(limit_bytes[i]), *tiers_[i]);
  }
  return first;
}

int64_t TieredCache::waiting_bytes() const { return behind_ == nullptr ? 0 : behind_->size_bytes(); }

}  // namespace docmind::cache
