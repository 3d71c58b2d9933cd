// MemoryTier: entries in memory within a limit of bytes, kept by an adaptive W-TinyLFU.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "cache/tier.h"

namespace docmind::cache {

class MemoryShard;
class WindowClimber;

struct MemoryTierOptions {
  int64_t limit_bytes = 64 << 20;  // of all shards together; 0 stores nothing
  size_t n_shards = 16;            // at least 1; an entry must fit into limit / shards
  WallClock now = unix_time_ms;
};

// The key picks a shard; each shard has a lock and an equal share of the limit (memory_shard.h tells
// what it keeps). The window's share adapts to the work of all shards (window_climber.h). An entry
// that is used less than those it would push out may be gone soon after it was put. A clock that is
// set back makes entries live longer, no more.
class MemoryTier final : public Tier {
 public:
  // What an entry costs beside the capacity of its value: two heap blocks, the table's node and
  // slot, the sketch's counters, the allocator's headers (measured with glibc on 64-bit Linux,
  // rounded up).
  static constexpr int64_t kEntryOverheadBytes = 256;

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
  // Evicts what is too much before it returns.
  Status set_limit(int64_t limit_bytes) override;
  // Of the limit, that the window for new entries has now.
  [[nodiscard]] double window_share() const;

 private:
  MemoryShard& shard_of(const CacheKey& key);

  const WallClock now_;
  std::mutex limit_mutex_;  // held while the limit changes
  std::atomic<int64_t> limit_bytes_;
  std::unique_ptr<WindowClimber> climber_;
  std::vector<std::unique_ptr<MemoryShard>> shards_;
};

}  // namespace docmind::cache
