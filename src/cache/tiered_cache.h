// TieredCache: tiers in order, the fastest first, used as one cache.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cache/tier.h"

namespace docmind::cache {

// An entry and the tier that had it: an index into the order of construction.
struct TieredHit {
  CacheEntry entry;
  size_t tier = 0;
};

// May be called from several threads at once. Changes of one key happen in all tiers as one step:
// a promotion can bring back neither an entry that was erased meanwhile nor one that was replaced.
class TieredCache {
 public:
  explicit TieredCache(std::vector<std::unique_ptr<Tier>> tiers) : tiers_(std::move(tiers)) {}

  // The entry of the first tier that has it, copied into the faster ones. A tier that fails counts
  // the error itself and is passed over: a broken cache is a slow one, not an error.
  [[nodiscard]] std::optional<TieredHit> get(const CacheKey& key);
  // Into every tier. All are tried; the first error is returned.
  [[nodiscard]] Status put(const CacheKey& key, const CacheEntry& entry);
  [[nodiscard]] Status erase(const CacheKey& key);
  [[nodiscard]] Status clear();

  [[nodiscard]] std::vector<TierStats> stats() const;

 private:
  static constexpr size_t kStripes = 16;
  std::mutex& stripe_of(const CacheKey& key) { return stripes_[key.back() % kStripes]; }

  const std::vector<std::unique_ptr<Tier>> tiers_;
  std::array<std::mutex, kStripes> stripes_;
};

}  // namespace docmind::cache
