// MemoryBudget: the bytes that one or several caches share, and which held prefixes are given up when they run short.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace docmind::kv {

enum class SlotKind : uint8_t;
class BlockPool;
class PrefixTree;
struct PrefixNode;

// Not thread-safe, as the caches that share it; they keep it alive.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t n_bytes) : n_bytes_(n_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // A cache's pool and tree count from now on, until leave().
  void join(BlockPool& pool, PrefixTree& tree) { members_.push_back({&pool, &tree}); }
  void leave(const BlockPool& pool);

  [[nodiscard]] size_t n_bytes() const { return n_bytes_; }
  [[nodiscard]] size_t used_bytes() const;      // by sequences
  [[nodiscard]] size_t held_bytes() const;      // by trees alone
  [[nodiscard]] size_t resident_bytes() const;  // that the system has given
  [[nodiscard]] size_t peak_bytes() const { return peak_bytes_; }  // of used and held together
  [[nodiscard]] bool has_room(size_t n) const { return n <= n_bytes_ - used_bytes() - held_bytes(); }
  // Evicts held prefixes of any of the caches until so many bytes are free; false, and nothing is evicted, when
  // sequences use too much for that.
  bool make_room(size_t n);
  // What was not used for longest among what no sequence uses, spare exact blocks first. False when there is none.
  bool evict_one();

  // --- of pools and trees ---
  // Something was taken.
  void note_peak();
  // Memory of free slots goes back to the system, but not of slots of that kind of the taker, until `n` more bytes of
  // memory may be taken from it.
  void chill_for(size_t n, const BlockPool& taker, SlotKind taker_kind);
  // The time of use, which all trees count together.
  [[nodiscard]] uint64_t& clock() { return clock_; }

 private:
  struct Member {
    BlockPool* pool;
    PrefixTree* tree;
  };
  using Oldest = PrefixNode* (PrefixTree::*)() const;
  [[nodiscard]] std::pair<PrefixTree*, PrefixNode*> oldest(Oldest of_tree) const;

  const size_t n_bytes_;
  std::vector<Member> members_;
  size_t peak_bytes_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace docmind::kv
