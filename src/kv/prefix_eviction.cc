// PrefixTree: what it gives up, and in which order.
// SPDX-License-Identifier: Apache-2.0
#include "kv/prefix_tree.h"

#include <algorithm>

namespace docmind::kv {

void PrefixTree::forget(PrefixNode* node) {
  leaves_.erase({node->last_use, node});
  spare_.erase({node->last_use, node});
}

void PrefixTree::enlist(PrefixNode* node) {
  if (node == root_.get()) return;
  if (node->children.empty()) leaves_.insert({node->last_use, node});
  if (node->is_spare()) spare_.insert({node->last_use, node});
}

void PrefixTree::enlist_page(PrefixNode* node) {
  for (const int64_t page = node->block / 4; node != root_.get() && node->block / 4 == page; node = node->parent) {
    forget(node);
    enlist(node);
  }
}

void PrefixTree::set_use(PrefixNode* node, uint64_t time) {
  forget(node);
  node->last_use = time;
  enlist(node);
}

void PrefixTree::remove(PrefixNode* node) {
  PrefixNode* const parent = node->parent;
  // Long texts are deep trees: no recursion.
  while (node != parent) {
    PrefixNode* next = node->children.empty() ? node->parent : node->children.begin()->second.get();
    if (node->children.empty()) remove_leaf(node);
    node = next;
  }
}

void PrefixTree::remove_leaf(PrefixNode* node) {
  forget(node);
  while (!node->cursors.empty()) node->cursors.back()->move_to(nullptr);
  n_evicted_ += (node->exact.is_only_in_tree() ? 1 : 0) + (node->page.is_only_in_tree() ? 1 : 0);
  --n_nodes_;
  PrefixNode* parent = node->parent;
  const uint64_t use = node->last_use;
  const BlockTokens tokens = node->tokens;
  parent->children.erase(tokens);
  if (parent == root_.get()) return;
  // It was used when its follower was; and its page may be sealed in all its branches now.
  set_use(parent, std::max(parent->last_use, use));
  if (!parent->ends_page()) enlist_page(parent);
}

void PrefixTree::prune(PrefixNode* node) {
  while (node != nullptr && node != root_.get() && node->children.empty() && !node->exact && !node->page) {
    PrefixNode* parent = node->parent;
    remove(node);
    node = parent;
  }
}

PrefixNode* PrefixTree::oldest_spare() const {
  for (const auto& [time, node] : spare_) {
    if (node->exact.is_only_in_tree()) return node;
  }
  return nullptr;
}

void PrefixTree::give_up_spare(PrefixNode* node) {
  forget(node);
  node->exact.reset();
  node->is_kept = false;
  ++n_evicted_;
  enlist(node);
}

PrefixNode* PrefixTree::oldest_leaf() const {
  for (const auto& [time, node] : leaves_) {
    if (node->exact.is_only_in_tree() || node->page.is_only_in_tree()) return node;
  }
  return nullptr;
}

void PrefixTree::give_up_leaf(PrefixNode* node) {
  PrefixNode* parent = node->parent;
  remove(node);
  prune(parent);
}

bool PrefixTree::evict_one() {
  if (PrefixNode* spare = oldest_spare()) {
    give_up_spare(spare);
    return true;
  }
  if (PrefixNode* leaf = oldest_leaf()) {
    give_up_leaf(leaf);
    return true;
  }
  // What is left is held between nodes that sequences use; they offer theirs again.
  if (n_nodes_ == 0) return false;
  clear();
  return true;
}

void PrefixTree::clear() {
  while (!root_->children.empty()) remove(root_->children.begin()->second.get());
}

}  // namespace docmind::kv
