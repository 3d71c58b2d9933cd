// MemoryShard: one part of the memory tier, a W-TinyLFU cache with a lock of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "cache/frequency_sketch.h"
#include "cache/key_hash.h"
#include "cache/tier.h"
#include "cache/window_climber.h"

namespace docmind::cache {

// W-TinyLFU (Einziger, Friedman, Manes 2017) weighted by bytes. New entries come into a small window
// in order of use. Who falls out of it must be used more often, by the sketch's estimate, than those
// who would have to leave the main part for it, all together (size-aware admission by aggregated
// victims: Einziger, Eytan, Friedman, Manes 2021). The main part is a segmented LRU: entries used
// again are protected, up to four fifths of it. May be called from several threads at once.
class alignas(64) MemoryShard {
 public:
  struct Options {
    int64_t limit_bytes = 0;
    uint64_t seed = 0;         // of the random admissions
    uint64_t n_shards = 1;     // that report to the climber
  };
  // Clock and climber are borrowed.
  MemoryShard(const Options& options, const WallClock& now, WindowClimber& climber);
  ~MemoryShard();

  [[nodiscard]] std::optional<CacheEntry> get(const CacheKey& key);
  void put(const CacheKey& key, CacheEntry entry);
  void erase(const CacheKey& key);
  void clear();
  void set_limit(int64_t limit_bytes);
  void add_to(TierStats& stats) const;

 private:
  enum class Segment : uint8_t { kWindow, kProbation, kProtected };
  static constexpr size_t kSegments = 3;

  struct Node : boost::intrusive::list_base_hook<> {
    const CacheKey* key = nullptr;  // in the table, whose elements never move
    CacheEntry entry;
    int64_t charge_bytes = 0;
    Segment segment = Segment::kWindow;
  };
  struct Queue {
    boost::intrusive::list<Node> nodes;  // the last used first
    int64_t size_bytes = 0;
  };
  using Table = std::unordered_map<CacheKey, Node, KeyHash>;
  // Values to be freed after the lock is given back.
  using Garbage = boost::container::small_vector<std::shared_ptr<const std::string>, 8>;
  using Victims = boost::container::small_vector<Node*, 16>;

  Queue& queue(Segment segment) { return queues_[static_cast<size_t>(segment)]; }
  int64_t size_bytes() const;
  int64_t window_bytes() const;
  int64_t protected_bytes() const;
  bool expired(const Node& node) const;
  int count_of(const Node& node) const;

  void link(Node& node, Segment segment, bool first);
  void unlink(Node& node);
  void remove(Node& node, Garbage& garbage);
  void evict(Node& node, Garbage& garbage);
  void note_use(Node& node);
  void note_request(bool hit);
  void insert(const CacheKey& key, CacheEntry entry, int64_t charge_bytes);
  void keep_limit(Garbage& garbage);
  void evict_expired(Garbage& garbage);
  Node* next_victim();
  void settle(Node& candidate, int64_t excess_bytes, Garbage& garbage);
  Victims victims_for(int64_t needed_bytes);
  bool admits(int candidate_count, int victims_count);

  const WallClock& now_;
  WindowClimber& climber_;
  const uint64_t n_shards_;
  mutable std::mutex mutex_;
  int64_t limit_bytes_;
  Table table_;
  Queue queues_[kSegments];
  FrequencySketch sketch_;
  uint64_t random_;
  TierStats counts_;
  uint32_t n_hits_unreported_ = 0;
  uint32_t n_requests_unreported_ = 0;
};

}  // namespace docmind::cache
