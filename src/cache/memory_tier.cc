// MemoryTier: entries in memory within a limit of bytes, kept by an adaptive W-TinyLFU.
// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_tier.h"

#include <algorithm>
#include <utility>

#include "cache/key_hash.h"
#include "cache/memory_shard.h"
#include "cache/window_climber.h"

namespace docmind::cache {

MemoryTier::MemoryTier(MemoryTierOptions options)
    : now_(std::move(options.now)),
      limit_bytes_(std::max<int64_t>(options.limit_bytes, 0)),
      climber_(std::make_unique<WindowClimber>()) {
  const size_t n_shards = std::max<size_t>(options.n_shards, 1);
  const int64_t share = limit_bytes_ / static_cast<int64_t>(n_shards);
  for (size_t i = 0; i < n_shards; ++i) {
    const MemoryShard::Options shard = {.limit_bytes = share, .seed = i, .n_shards = n_shards};
    shards_.push_back(std::make_unique<MemoryShard>(shard, now_, *climber_));
  }
}

MemoryTier::~MemoryTier() = default;

int64_t MemoryTier::charge_of(const CacheEntry& entry) {
  return kEntryOverheadBytes + static_cast<int64_t>(entry.value->capacity());
}

MemoryShard& MemoryTier::shard_of(const CacheKey& key) {
  return *shards_[word_of(key, 1) % shards_.size()];
}

Result<std::optional<CacheEntry>> MemoryTier::get(const CacheKey& key) {
  return shard_of(key).get(key);
}

Status MemoryTier::put(const CacheKey& key, CacheEntry entry) {
  shard_of(key).put(key, std::move(entry));
  return {};
}

Status MemoryTier::erase(const CacheKey& key) {
  shard_of(key).erase(key);
  return {};
}

Status MemoryTier::clear() {
  for (const auto& shard : shards_) shard->clear();
  return {};
}

Status MemoryTier::set_limit(int64_t limit_bytes) {
  if (limit_bytes < 0) {
    return Error{ErrorCode::kInvalidArgument, "the memory cache cannot have a limit of " +
                                                  std::to_string(limit_bytes) +
                                                  " bytes; 0 switches it off"};
  }
  std::lock_guard lock(limit_mutex_);
  limit_bytes_ = limit_bytes;
  const int64_t share = limit_bytes / static_cast<int64_t>(shards_.size());
  for (const auto& shard : shards_) shard->set_limit(share);
  return {};
}

TierStats MemoryTier::stats() const {
  TierStats stats;
  stats.name = name();
  stats.limit_bytes = limit_bytes_;
  for (const auto& shard : shards_) shard->add_to(stats);
  return stats;
}

double MemoryTier::window_share() const { return climber_->share(); }

}  // namespace docmind::cache
