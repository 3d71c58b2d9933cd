// MemoryBudget: sums over caches, and the order in which their prefixes make room.
// SPDX-License-Identifier: Apache-2.0
#include "kv/memory_budget.h"

#include <algorithm>

#include "kv/block_pool.h"
#include "kv/prefix_tree.h"

namespace docmind::kv {

void MemoryBudget::leave(const BlockPool& pool) {
  std::erase_if(members_, [&](const Member& member) { return member.pool == &pool; });
}

size_t MemoryBudget::used_bytes() const {
  size_t sum = 0;
  for (const Member& member : members_) sum += member.pool->used_bytes();
  return sum;
}

size_t MemoryBudget::held_bytes() const {
  size_t sum = 0;
  for (const Member& member : members_) sum += member.pool->held_bytes();
  return sum;
}

size_t MemoryBudget::resident_bytes() const {
  size_t sum = 0;
  for (const Member& member : members_) sum += member.pool->resident_bytes();
  return sum;
}

bool MemoryBudget::make_room(size_t n) {
  if (n > n_bytes_ - used_bytes()) return false;
  while (!has_room(n) && evict_one()) {
  }
  return has_room(n);
}

std::pair<PrefixTree*, PrefixNode*> MemoryBudget::oldest(Oldest of_tree) const {
  std::pair<PrefixTree*, PrefixNode*> found{};
  for (const Member& member : members_) {
    PrefixNode* node = (member.tree->*of_tree)();
    const bool is_older = node != nullptr && (found.second == nullptr || node->last_use < found.second->last_use);
    if (is_older) found = {member.tree, node};
  }
  return found;
}

bool MemoryBudget::evict_one() {
  if (const auto [tree, node] = oldest(&PrefixTree::oldest_spare); node != nullptr) {
    tree->give_up_spare(node);
    return true;
  }
  if (const auto [tree, node] = oldest(&PrefixTree::oldest_leaf); node != nullptr) {
    tree->give_up_leaf(node);
    return true;
  }
  // What is left is held between nodes that sequences use; they offer theirs again.
  const auto holds = [](const Member& member) { return member.pool->held_bytes() > 0; };
  const auto holder = std::find_if(members_.begin(), members_.end(), holds);
  if (holder == members_.end()) return false;
  holder->tree->clear();
  return true;
}

void MemoryBudget::note_peak() { peak_bytes_ = std::max(peak_bytes_, used_bytes() + held_bytes()); }

void MemoryBudget::chill_for(size_t n, const BlockPool& taker, SlotKind taker_kind) {
  for (const Member& member : members_) {
    for (const SlotKind kind : {SlotKind::kBlock, SlotKind::kPage}) {
      if (member.pool == &taker && kind == taker_kind) continue;
      while (resident_bytes() + n > n_bytes_ && member.pool->chill_one(kind)) {
      }
    }
  }
}

}  // namespace docmind::kv
