// PrefixTree: the trie of texts, and the order in which it gives them up.
// SPDX-License-Identifier: Apache-2.0
#include "kv/prefix_tree.h"

#include <algorithm>

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;

constexpr int64_t kPageBlocks = 4;

int64_t common_length(std::span<const TokenId> a, std::span<const TokenId> b) {
  const size_t n = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(n), b.begin()).first - a.begin();
}

std::span<const TokenId> from(std::span<const TokenId> tokens, int64_t first) {
  return tokens.subspan(std::min(tokens.size(), static_cast<size_t>(first)));
}

struct Nearest {
  PrefixNode* node = nullptr;
  int64_t n_common = 0;
};

// The child that begins most like `tokens`: in the order of texts it is a neighbour of where they would stand.
Nearest nearest_child(const PrefixNode& parent, const BlockTokens& tokens) {
  Nearest best;
  const auto consider = [&](const auto& entry) {
    const int64_t n = common_length(entry.first.span(), tokens.span());
    if (n > best.n_common) best = {entry.second.get(), n};
  };
  const auto next = parent.children.lower_bound(tokens);
  if (next != parent.children.end()) consider(*next);
  if (next != parent.children.begin()) consider(*std::prev(next));
  return best;
}

}  // namespace

BlockTokens::BlockTokens(std::span<const TokenId> from)
  : n(static_cast<int32_t>(std::min<size_t>(from.size(), kKvBlockTokens))) {
  std::copy_n(from.begin(), n, tokens.begin());
}

bool BlockTokens::operator<(const BlockTokens& other) const {
  return std::ranges::lexicographical_compare(span(), other.span());
}

void PrefixCursor::move_to(PrefixNode* node) {
  if (node_ != nullptr) std::erase(node_->cursors, this);
  node_ = node;
  if (node_ != nullptr) node_->cursors.push_back(this);
}

bool PrefixNode::is_sealed() const {
  if (ends_page()) return static_cast<bool>(page);
  return !children.empty() && std::ranges::all_of(children, [](const auto& c) { return c.second->is_sealed(); });
}

PrefixTree::PrefixTree(uint64_t& clock) : root_(std::make_unique<PrefixNode>()), clock_(clock) {}
PrefixTree::~PrefixTree() { clear(); }

namespace {

// Follows the tokens of one page from `parent`; what of it is held.
struct PageWalk {
  std::vector<PrefixNode*> nodes;
  int64_t n_exact = 0;   // tokens from its first on that are held exactly
  bool is_whole = false; // all its tokens are there, in one form or the other
};

PageWalk walk_page(PrefixNode* parent, std::span<const TokenId> tokens, bool whole_blocks) {
  PageWalk walk;
  bool all_exact = true;
  for (int64_t i = 0; i < kPageBlocks; ++i) {
    const BlockTokens wanted(from(tokens, i * kKvBlockTokens));
    const Nearest child = nearest_child(*parent, wanted);
    all_exact = all_exact && child.node != nullptr && child.node->exact;
    if (child.n_common < kKvBlockTokens) {
      if (!all_exact || whole_blocks) return walk;
      walk.nodes.push_back(child.node);
      walk.n_exact += child.n_common;
      return walk;
    }
    walk.nodes.push_back(child.node);
    if (all_exact) walk.n_exact += kKvBlockTokens;
    parent = child.node;
  }
  walk.is_whole = all_exact || parent->page;
  return walk;
}

}  // namespace

PrefixMatch PrefixTree::find(std::span<const TokenId> tokens, bool whole_blocks) const {
  PrefixMatch match;
  PrefixNode* parent = root_.get();
  for (;;) {
    PageWalk walk = walk_page(parent, from(tokens, match.n_tokens), whole_blocks);
    const int64_t n = walk.is_whole ? kPageBlocks * kKvBlockTokens : walk.n_exact;
    walk.nodes.resize(static_cast<size_t>((n + kKvBlockTokens - 1) / kKvBlockTokens));
    match.nodes.insert(match.nodes.end(), walk.nodes.begin(), walk.nodes.end());
    match.n_tokens += n;
    if (!walk.is_whole) return match;
    parent = match.nodes.back();
  }
}

void PrefixTree::touch(const PrefixMatch& match) {
  for (auto node = match.nodes.rbegin(); node != match.nodes.rend(); ++node) set_use(*node, ++clock_);
}

const SlotRef* PrefixTree::sealed_page(const PrefixCursor& cursor, int64_t page) const {
  const int64_t wanted = page * kPageBlocks + kPageBlocks - 1;
  PrefixNode* node = cursor.node();
  while (node != nullptr && node->block > wanted) node = node->parent;
  return node != nullptr && node->block == wanted && node->page ? &node->page : nullptr;
}

PrefixNode* PrefixTree::child_of(PrefixNode* parent, const BlockTokens& tokens) {
  if (PrefixNode* child = find_child(parent, tokens)) return child;
  auto child = std::make_unique<PrefixNode>();
  child->parent = parent;
  child->block = parent->block + 1;
  child->tokens = tokens;
  PrefixNode* node = child.get();
  parent->children.emplace(tokens, std::move(child));
  ++n_nodes_;
  forget(parent);
  enlist(parent);
  set_use(node, ++clock_);
  return node;
}

// A shorter text that ended here is held by the longer one as well.
void PrefixTree::drop_beginning(PrefixNode* parent, const BlockTokens& tokens) {
  const auto next = parent->children.lower_bound(tokens);
  if (next == parent->children.begin()) return;
  PrefixNode* before = std::prev(next)->second.get();
  const bool is_beginning = common_length(before->tokens.span(), tokens.span()) == before->tokens.n;
  if (is_beginning && before->exact.is_only_in_tree()) remove(before);
}

PrefixNode* PrefixTree::find_child(PrefixNode* parent, const BlockTokens& tokens) const {
  if (parent == nullptr) parent = root_.get();
  const auto found = parent->children.find(tokens);
  return found == parent->children.end() ? nullptr : found->second.get();
}

// The tree takes what it has not, and prefers what a living sequence uses: that costs nothing.
void PrefixTree::fill(PrefixNode* node, const PrefixOffer& offer) {
  const auto replace = [](SlotRef& held, const SlotRef& offered) {
    if (!offered || offered.is_in_tree()) return;
    if (!held || !held.is_used_by_sequence()) held = offered.share(SlotHolder::kTree);
  };
  const auto block = static_cast<size_t>(node->block);
  const size_t page = block / kPageBlocks;
  const bool is_sealed = page < offer.pages.size() && offer.pages[page];
  if (node->ends_page() && is_sealed) replace(node->page, offer.pages[page]);
  if (node->block >= offer.keep_begin && node->block < offer.keep_end) node->is_kept = true;
  if (node->is_kept || !is_sealed || static_cast<int64_t>(page) >= offer.exact_begin) {
    replace(node->exact, offer.blocks[block]);
  }
}

void PrefixTree::extend(PrefixCursor& cursor, const PrefixOffer& offer) {
  PrefixNode* node = cursor.node() == nullptr ? root_.get() : cursor.node();
  // Pages are sealed some time after their blocks came.
  for (PrefixNode* earlier = node; !offer.pages.empty() && earlier != root_.get(); earlier = earlier->parent) {
    if (!earlier->ends_page()) continue;
    if (earlier->page) break;
    fill(earlier, offer);
    enlist_page(earlier);
  }
  // The blocks of a page before its new ones may have been given up as spare, and are not any longer.
  while (node->block >= 0 && !node->ends_page()) node = node->parent;
  const PrefixNode* first = node;
  const int64_t n_blocks = static_cast<int64_t>(offer.tokens.size()) / kKvBlockTokens;
  while (node->block + 1 < n_blocks) {
    const BlockTokens tokens(from(offer.tokens, (node->block + 1) * kKvBlockTokens));
    PrefixNode* child = child_of(node, tokens);
    fill(child, offer);
    drop_beginning(node, tokens);
    node = child;
  }
  cursor.move_to(node == root_.get() ? nullptr : node);
  for (; node != first; node = node->parent) set_use(node, ++clock_);
}

void PrefixTree::finish(PrefixCursor& cursor, const PrefixOffer& offer, bool with_rest) {
  extend(cursor, offer);
  PrefixNode* node = cursor.node() == nullptr ? root_.get() : cursor.node();
  const BlockTokens rest(from(offer.tokens, (node->block + 1) * kKvBlockTokens));
  if (with_rest && rest.n > 0 && nearest_child(*node, rest).n_common < rest.n) {
    node = child_of(node, rest);
    fill(node, offer);
    prune(node);
    node = cursor.node();
  }
  for (; node != nullptr && node != root_.get(); node = node->parent) set_use(node, ++clock_);
}

void PrefixTree::drop_spare(const PrefixCursor& cursor, int64_t begin, int64_t end) {
  PrefixNode* node = cursor.node();
  for (; node != nullptr && node->block >= begin * kPageBlocks; node = node->parent) {
    if (node->block >= end * kPageBlocks || node->is_kept || !node->exact.is_only_in_tree() || !node->is_spare()) continue;
    forget(node);
    node->exact.reset();
    enlist(node);
  }
}

PrefixNode* PrefixTree::add(PrefixNode* parent, const BlockTokens& tokens, SlotRef exact, SlotRef page) {
  PrefixNode* node = child_of(parent == nullptr ? root_.get() : parent, tokens);
  if (exact && !node->exact) node->exact = exact.share(SlotHolder::kTree);
  if (page && !node->page) node->page = page.share(SlotHolder::kTree);
  enlist_page(node);
  return node;
}

int64_t PrefixTree::keep_added(std::span<PrefixNode* const> nodes) {
  int64_t n_tokens = 0;
  // Followers first: a node without anything of its own is of use before one that has it.
  for (auto at = nodes.rbegin(); at != nodes.rend(); ++at) {
    PrefixNode* node = *at;
    if (node->children.empty() && !node->exact && !node->page) {
      remove(node);
      continue;
    }
    n_tokens += node->tokens.n;
    set_use(node, ++clock_);
  }
  return n_tokens;
}

std::vector<const PrefixNode*> PrefixTree::by_use() const {
  struct Entry {
    const PrefixNode* node;
    size_t parent;
    uint64_t use;
  };
  std::vector<Entry> entries = {{root_.get(), 0, 0}};
  for (size_t i = 0; i < entries.size(); ++i) {
    for (const auto& [tokens, child] : entries[i].node->children) entries.push_back({child.get(), i, child->last_use});
  }
  // What a node's followers were used for, it was used for as well.
  for (size_t i = entries.size(); i-- > 1;) {
    uint64_t& use = entries[entries[i].parent].use;
    use = std::max(use, entries[i].use);
  }
  entries.erase(entries.begin());
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return a.use != b.use ? a.use > b.use : a.node->block < b.node->block;
  });
  std::vector<const PrefixNode*> nodes;
  for (const Entry& entry : entries) nodes.push_back(entry.node);
  return nodes;
}

size_t PrefixTree::overhead_bytes() const {
  constexpr size_t kMapEntry = 48 + sizeof(BlockTokens), kSetNode = 48;
  return static_cast<size_t>(n_nodes_) * (sizeof(PrefixNode) + kMapEntry) + (leaves_.size() + spare_.size()) * kSetNode;
}

}  // namespace docmind::kv
