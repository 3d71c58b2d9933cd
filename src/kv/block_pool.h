// BlockPool: the memory of exact blocks and of sealed pages, in slots under a budget of bytes.
//
// Each kind of slot has a range of addresses as large as the budget; the system gives memory as slots are
// first written. What was once taken stays with the process until slots of another kind or pool of the budget need it,
// or trim().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/error.h"
#include "kv/memory_budget.h"
#include "kv/slot_range.h"

namespace docmind::kv {

enum class SlotKind : uint8_t { kBlock, kPage };
// Who holds a slot: any number of sequences, the prefix tree at most once.
enum class SlotHolder : uint8_t { kSequence, kTree };

class BlockPool;

// One holder of a slot; the slot is free when the last has gone. Must not outlive the pool.
class SlotRef {
 public:
  SlotRef() = default;
  SlotRef(SlotRef&& other) noexcept { swap(other); }
  SlotRef& operator=(SlotRef&& other) noexcept {
    SlotRef(std::move(other)).swap(*this);
    return *this;
  }
  ~SlotRef() { reset(); }
  void reset();

  explicit operator bool() const { return pool_ != nullptr; }
  [[nodiscard]] std::byte* data() const;  // null when empty
  [[nodiscard]] bool same_slot(const SlotRef& other) const {
    return pool_ == other.pool_ && index_ == other.index_ && kind_ == other.kind_;
  }
  [[nodiscard]] SlotRef share(SlotHolder holder) const;
  [[nodiscard]] bool is_shared() const;           // somebody else holds it too
  [[nodiscard]] bool is_used_by_sequence() const;
  [[nodiscard]] bool is_in_tree() const;
  [[nodiscard]] bool is_only_in_tree() const { return *this && !is_used_by_sequence(); }  // false when empty

 private:
  friend class BlockPool;
  SlotRef(BlockPool* pool, uint32_t index, SlotKind kind, SlotHolder holder)
    : pool_(pool), index_(index), kind_(kind), holder_(holder) {}
  void swap(SlotRef& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(index_, other.index_);
    std::swap(kind_, other.kind_);
    std::swap(holder_, other.holder_);
  }

  BlockPool* pool_ = nullptr;
  uint32_t index_ = 0;
  SlotKind kind_ = SlotKind::kBlock;
  SlotHolder holder_ = SlotHolder::kSequence;
};

class BlockPool {
 public:
  // `page_bytes` may be 0: then there are only blocks. kLimit when the address space has not that much. The budget must
  // outlive it, and counts it once it has joined.
  static Result<std::unique_ptr<BlockPool>> create(MemoryBudget& budget, size_t block_bytes, size_t page_bytes);
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // A slot for a sequence, its content undefined; empty when the budget has no room.
  [[nodiscard]] SlotRef acquire(SlotKind kind);
  // Gives the memory of all free slots back to the system.
  void trim();
  // The same for one slot of a kind; false when none has any.
  bool chill_one(SlotKind kind);

  [[nodiscard]] size_t slot_bytes(SlotKind kind) const { return range(kind).slot_bytes(); }
  [[nodiscard]] size_t used_bytes() const { return used_bytes_; }  // by sequences
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }  // by the tree alone
  [[nodiscard]] size_t resident_bytes() const;
  [[nodiscard]] size_t overhead_bytes() const;
  [[nodiscard]] int64_t n_taken(SlotKind kind) const { return n_taken_[static_cast<size_t>(kind)]; }

 private:
  friend class SlotRef;
  BlockPool(MemoryBudget& budget, SlotRange blocks, SlotRange pages)
    : budget_(budget), ranges_{std::move(blocks), std::move(pages)} {}
  [[nodiscard]] SlotRange& range(SlotKind kind) { return ranges_[static_cast<size_t>(kind)]; }
  [[nodiscard]] const SlotRange& range(SlotKind kind) const { return ranges_[static_cast<size_t>(kind)]; }
  void add_holder(uint32_t index, SlotKind kind, SlotHolder holder);
  void remove_holder(uint32_t index, SlotKind kind, SlotHolder holder);
  // Runs `change` on the slot's holders and keeps the sums of bytes true.
  template <typename Change>
  void recount(uint32_t index, SlotKind kind, Change change);

  MemoryBudget& budget_;
  std::array<SlotRange, 2> ranges_;
  size_t used_bytes_ = 0;
  size_t held_bytes_ = 0;
  std::array<int64_t, 2> n_taken_{};
};

}  // namespace docmind::kv
