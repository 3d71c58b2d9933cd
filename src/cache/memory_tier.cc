// MemoryTier: entries in memory within a limit of bytes, evicted by SIEVE.
// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_tier.h"

#include <algorithm>
#include <boost/intrusive/list.hpp>
#include <cstring>
#include <mutex>
#include <unordered_map>

namespace docmind::cache {
namespace {

// Shard and slot take different words of the key, so that a shard's table uses all its slots.
uint64_t word_of(const CacheKey& key, size_t index) {
  uint64_t word = 0;
  std::memcpy(&word, key.data() + index * sizeof(word), sizeof(word));
  return word;
}

struct KeyHash {
  size_t operator()(const CacheKey& key) const noexcept { return word_of(key, 0); }
};

struct Node : boost::intrusive::list_base_hook<> {
  const CacheKey* key = nullptr;  // in the table, whose elements never move
  CacheEntry entry;
  int64_t charge_bytes = 0;
  bool used = false;  // since the hand last passed
};

}  // namespace

class alignas(64) MemoryTier::Shard {
 public:
  Shard(int64_t limit_bytes, const WallClock& now) : limit_bytes_(limit_bytes), now_(now) {}
  ~Shard() { queue_.clear(); }

  std::optional<CacheEntry> get(const CacheKey& key) {
    std::lock_guard lock(mutex_);
    const auto found = table_.find(key);
    if (found == table_.end()) {
      ++counts_.misses;
      return std::nullopt;
    }
    Node& node = found->second;
    if (node.entry.expires_unix_ms != 0 && node.entry.expires_unix_ms <= now_()) {
      remove(node);
      ++counts_.expired;
      ++counts_.misses;
      return std::nullopt;
    }
    node.used = true;
    ++counts_.hits;
    return node.entry;
  }

  void put(const CacheKey& key, CacheEntry entry) {
    const int64_t charge_bytes = charge_of(entry);
    std::lock_guard lock(mutex_);
    const auto old = table_.find(key);
    // The old value goes first: it must neither outlive the new one nor be counted beside it.
    const bool was_used = old != table_.end() && old->second.used;
    if (old != table_.end()) remove(old->second);
    if (charge_bytes > limit_bytes_) {
      ++counts_.rejected;
      return;
    }
    while (size_bytes_ + charge_bytes > limit_bytes_) evict();
    const auto [slot, added] = table_.try_emplace(key);
    Node& node = slot->second;
    node.key = &slot->first;
    node.entry = std::move(entry);
    node.charge_bytes = charge_bytes;
    node.used = was_used;
    queue_.push_front(node);
    size_bytes_ += charge_bytes;
    ++counts_.puts;
  }

  void erase(const CacheKey& key) {
    std::lock_guard lock(mutex_);
    if (const auto found = table_.find(key); found != table_.end()) remove(found->second);
  }

  void clear() {
    std::lock_guard lock(mutex_);
    queue_.clear();
    table_.clear();
    hand_ = nullptr;
    size_bytes_ = 0;
  }

  void add_to(TierStats& stats) const {
    std::lock_guard lock(mutex_);
    stats.hits += counts_.hits;
    stats.misses += counts_.misses;
    stats.puts += counts_.puts;
    stats.rejected += counts_.rejected;
    stats.evictions += counts_.evictions;
    stats.expired += counts_.expired;
    stats.n_entries += static_cast<int64_t>(table_.size());
    stats.size_bytes += size_bytes_;
  }

 private:
  // The next newer node; from the newest back to the oldest.
  Node* after(Node& node) {
    const auto position = queue_.iterator_to(node);
    return position == queue_.begin() ? nullptr : &*std::prev(position);
  }

  // The queue is not empty when this is called: the charges in it make up size_bytes_ > 0.
  void evict() {
    Node* node = hand_ != nullptr ? hand_ : &queue_.back();
    while (node->used) {
      node->used = false;
      node = after(*node);
      if (node == nullptr) node = &queue_.back();
    }
    hand_ = node;  // remove() moves it on
    remove(*node);
    ++counts_.evictions;
  }

  void remove(Node& node) {
    if (hand_ == &node) hand_ = after(node);
    queue_.erase(queue_.iterator_to(node));
    size_bytes_ -= node.charge_bytes;
    table_.erase(table_.find(*node.key));
  }

  const int64_t limit_bytes_;
  const WallClock& now_;
  mutable std::mutex mutex_;
  std::unordered_map<CacheKey, Node, KeyHash> table_;
  boost::intrusive::list<Node> queue_;  // newest first
  Node* hand_ = nullptr;                // where the next eviction starts; null: at the oldest
  int64_t size_bytes_ = 0;
  TierStats counts_;
};

MemoryTier::MemoryTier(MemoryTierOptions options) : options_(std::move(options)) {
  options_.n_shards = std::max<size_t>(options_.n_shards, 1);
  const int64_t share = options_.limit_bytes / static_cast<int64_t>(options_.n_shards);
  for (size_t i = 0; i < options_.n_shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(share, options_.now));
  }
}

MemoryTier::~MemoryTier() = default;

int64_t MemoryTier::charge_of(const CacheEntry& entry) {
  return kEntryOverheadBytes + static_cast<int64_t>(entry.value->capacity());
}

MemoryTier::Shard& MemoryTier::shard_of(const CacheKey& key) {
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

TierStats MemoryTier::stats() const {
  TierStats stats;
  stats.name = name();
  stats.limit_bytes = options_.limit_bytes;
  for (const auto& shard : shards_) shard->add_to(stats);
  return stats;
}

}  // namespace docmind::cache
