// MemoryTier: entries in memory within a limit of bytes, evicted by SIEVE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "cache/tier.h"

namespace docmind::cache {

struct MemoryTierOptions {
  int64_t limit_bytes = 64 << 20;  // of all shards together; 0 stores nothing
  size_t n_shards = 16;            // at least 1; an entry must fit into limit / shards
  WallClock now = unix_time_ms;
};

// The key picks a shard; each shard has a lock, a share of the limit and a SIEVE queue: entries
// leave in the order they came, except that one used since the hand last passed gets another round.
// Unlike LRU a hit moves nothing, and a run of entries used once does not flush the others.
class MemoryTier final : public Tier {
 public:
  // What an entry costs beside the capacity of its value: two heap blocks, the table's node and
  // slot, the allocator's headers (measured with glibc on 64-bit Linux, rounded up).
  static constexpr int64_t kEntryOverheadBytes = 240;

  explicit MemoryTier(MemoryTierOptions options);
  ~MemoryTier() override;

  // What the entry counts against the limit.
  static int64_t charge_of(const CacheEntry& entry);

  std::string name() const override { return "memory"; }
  Result<std::optional<CacheEntry>> get(const CacheKey& key) override;
  Status put(const CacheKey& key, CacheEntry entry) override;
  Status erase(const CacheKey& key) override;
  Status clear() override;
  TierStats stats() const override;

 private:
  class Shard;
  Shard& shard_of(const CacheKey& key);

  MemoryTierOptions options_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace docmind::cache
