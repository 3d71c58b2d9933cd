// TieredCache: tiers in order, the fastest first, used as one cache.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "cache/tier.h"
#include "cache/write_behind.h"

namespace docmind::cache {

// An entry and the tier that had it: an index into the order of construction.
struct TieredHit {
  CacheEntry entry;
  size_t tier = 0;
};

struct TieredCacheOptions {
  // A put fills the first tier and returns; a thread of the cache writes the others, in order.
  bool write_behind = false;
  int64_t queue_bytes = 8 << 20;  // of what waits; a put that does not fit is written by its caller
  WallClock now = unix_time_ms;   // for the expiry of what waits
};

// May be called from several threads at once. Changes of one key happen in all tiers as one step:
// a promotion can bring back neither an entry that was erased meanwhile nor one that was replaced,
// and with write-behind no erase, clear or put is overtaken by an older put. What waits to be
// written is found too. The destructor writes it; a process that is killed loses it.
class TieredCache {
 public:
  explicit TieredCache(std::vector<std::unique_ptr<Tier>> tiers, TieredCacheOptions options = {});

  // The entry of the first tier that has it, copied into the faster ones. A tier that fails counts
  // the error itself and is passed over: a broken cache is a slow one, not an error.
  [[nodiscard]] std::optional<TieredHit> get(const CacheKey& key);
  // What the first tier has; looks nowhere else and waits for nothing but that tier's own lock.
  [[nodiscard]] std::optional<CacheEntry> get_fastest(const CacheKey& key);
  // Into every tier. All are tried; the first error is returned. A tier that could not store the
  // entry is asked to drop the old one. With write-behind the errors of later writes come from
  // flush().
  [[nodiscard]] Status put(const CacheKey& key, const CacheEntry& entry);
  [[nodiscard]] Status erase(const CacheKey& key);
  [[nodiscard]] Status clear();
  // Empties all tiers but the last, which another process may have changed; what waits is written first.
  void drop_faster_tiers();
  // Waits until all that was put before is in every tier; the first error since the last flush.
  [[nodiscard]] Status flush();

  // In the order of construction, sizes without what waits to be written.
  [[nodiscard]] std::vector<TierStats> stats() const;
  // One limit for each tier, in the order of construction; all are tried.
  [[nodiscard]] Status set_limits(std::span<const int64_t> limit_bytes);
  // Bytes that wait to be written.
  [[nodiscard]] int64_t waiting_bytes() const;

 private:
  static constexpr size_t kStripes = 16;
  std::mutex& stripe_of(const CacheKey& key) { return stripes_[key.back() % kStripes]; }
  Status put_from(size_t first_tier, const CacheKey& key, const CacheEntry& entry);
  void promote(size_t below_tier, const CacheKey& key, const CacheEntry& entry);

  const std::vector<std::unique_ptr<Tier>> tiers_;
  const WallClock now_;
  std::array<std::mutex, kStripes> stripes_;
  std::unique_ptr<WriteBehind> behind_;  // null: puts write all tiers; goes first, as it uses them
};

}  // namespace docmind::cache
