// BlockPool: who holds which slot, and the sums of bytes that follow from it.
// SPDX-License-Identifier: Apache-2.0
#include "kv/block_pool.h"

#include <cassert>

namespace docmind::kv {

void SlotRef::reset() {
  if (pool_ != nullptr) pool_->remove_holder(index_, kind_, holder_);
  pool_ = nullptr;
}

std::byte* SlotRef::data() const { return pool_ == nullptr ? nullptr : pool_->range(kind_).data(index_); }

SlotRef SlotRef::share(SlotHolder holder) const {
  pool_->add_holder(index_, kind_, holder);
  return {pool_, index_, kind_, holder};
}

bool SlotRef::is_shared() const {
  const SlotRange::Slot& slot = pool_->range(kind_).slot(index_);
  return slot.n_sequences + (slot.in_tree ? 1U : 0U) > 1;
}

bool SlotRef::is_used_by_sequence() const { return pool_->range(kind_).slot(index_).n_sequences > 0; }

bool SlotRef::is_in_tree() const { return pool_->range(kind_).slot(index_).in_tree; }

Result<std::unique_ptr<BlockPool>> BlockPool::create(MemoryBudget& budget, size_t block_bytes, size_t page_bytes) {
  DM_ASSIGN(SlotRange blocks, SlotRange::reserve(budget.n_bytes(), block_bytes));
  DM_ASSIGN(SlotRange pages, SlotRange::reserve(budget.n_bytes(), page_bytes));
  return std::unique_ptr<BlockPool>(new BlockPool(budget, std::move(blocks), std::move(pages)));
}

template <typename Change>
void BlockPool::recount(uint32_t index, SlotKind kind, Change change) {
  SlotRange& slots = range(kind);
  SlotRange::Slot& slot = slots.slot(index);
  const auto count = [&](auto apply) {
    if (!slot.is_free()) apply(slot.n_sequences > 0 ? used_bytes_ : held_bytes_, slots.slot_bytes());
  };
  const bool was_free = slot.is_free();
  count([](size_t& sum, size_t n) { sum -= n; });
  change(slot);
  count([](size_t& sum, size_t n) { sum += n; });
  n_taken_[static_cast<size_t>(kind)] += (was_free ? 1 : 0) - (slot.is_free() ? 1 : 0);
  if (slot.is_free()) slots.put_back(index);
}

void BlockPool::add_holder(uint32_t index, SlotKind kind, SlotHolder holder) {
  recount(index, kind, [holder](SlotRange::Slot& slot) {
    assert(holder == SlotHolder::kSequence || !slot.in_tree);
    if (holder == SlotHolder::kTree) slot.in_tree = true;
    if (holder == SlotHolder::kSequence) ++slot.n_sequences;
  });
}

void BlockPool::remove_holder(uint32_t index, SlotKind kind, SlotHolder holder) {
  recount(index, kind, [holder](SlotRange::Slot& slot) {
    if (holder == SlotHolder::kTree) slot.in_tree = false;
    if (holder == SlotHolder::kSequence) --slot.n_sequences;
  });
}

SlotRef BlockPool::acquire(SlotKind kind) {
  SlotRange& slots = range(kind);
  if (!budget_.has_room(slots.slot_bytes()) || !slots.has_free()) return {};
  // What is free of other kinds makes room for memory that this one takes anew.
  if (!slots.has_warm_free()) budget_.chill_for(slots.slot_bytes(), *this, kind);
  const uint32_t index = slots.take();
  add_holder(index, kind, SlotHolder::kSequence);
  budget_.note_peak();
  return {this, index, kind, SlotHolder::kSequence};
}

bool BlockPool::chill_one(SlotKind kind) {
  if (!range(kind).has_warm_free()) return false;
  range(kind).chill();
  return true;
}

void BlockPool::trim() {
  for (SlotRange& slots : ranges_) {
    while (slots.has_warm_free()) slots.chill();
  }
}

size_t BlockPool::resident_bytes() const { return ranges_[0].warm_bytes() + ranges_[1].warm_bytes(); }

size_t BlockPool::overhead_bytes() const { return ranges_[0].overhead_bytes() + ranges_[1].overhead_bytes(); }

}  // namespace docmind::kv
