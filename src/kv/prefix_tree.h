// PrefixTree: the blocks and pages of texts that were computed, by their tokens, for others that begin alike.
//
// A trie of nodes of 16 tokens; only a leaf may have fewer. A node holds its exact block, and the fourth of
// each page the sealed page. Where a page is sealed its exact blocks are spare: they only serve texts
// that part within the page or want its exact form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "kernels/attention.h"
#include "kv/block_pool.h"
#include "kv/sequence.h"

namespace docmind::kv {

struct PrefixNode;

// The tokens of a node, ordered as texts are.
struct BlockTokens {
  BlockTokens() = default;
  explicit BlockTokens(std::span<const TokenId> from);  // at most the first 16
  [[nodiscard]] std::span<const TokenId> span() const { return {tokens.data(), static_cast<size_t>(n)}; }
  [[nodiscard]] bool is_whole() const { return n == kernels::kKvBlockTokens; }
  bool operator<(const BlockTokens& other) const;

  std::array<TokenId, kernels::kKvBlockTokens> tokens{};
  int32_t n = 0;
};

// The place of a living sequence in the tree: the last node of its tokens that is there. Null when it has none
// or when that was evicted.
class PrefixCursor {
 public:
  PrefixCursor() = default;
  ~PrefixCursor() { move_to(nullptr); }
  PrefixCursor(const PrefixCursor&) = delete;
  PrefixCursor& operator=(const PrefixCursor&) = delete;
  void move_to(PrefixNode* node);
  [[nodiscard]] PrefixNode* node() const { return node_; }

 private:
  PrefixNode* node_ = nullptr;
};

struct PrefixNode {
  PrefixNode* parent = nullptr;
  int64_t block = -1;  // its index in the text; -1 for the root
  BlockTokens tokens;
  std::map<BlockTokens, std::unique_ptr<PrefixNode>> children;
  SlotRef exact, page;
  bool is_kept = false;     // near the end of a prompt: its exact block stays, though spare, until room is needed
  uint64_t last_use = 0;
  std::vector<PrefixCursor*> cursors;

  [[nodiscard]] bool ends_page() const { return block % 4 == 3; }
  // Of its tokens, or of those of the nodes below it in the page, all end in a sealed page.
  [[nodiscard]] bool is_sealed() const;
  [[nodiscard]] bool is_spare() const { return exact && is_sealed(); }
};

// The nodes that hold the beginning of a text, each with 16 of its tokens but the last.
struct PrefixMatch {
  int64_t n_tokens = 0;
  std::vector<PrefixNode*> nodes;
};

// What a sequence offers: its blocks and pages, empty where it has none.
struct PrefixOffer {
  std::span<const TokenId> tokens;
  std::span<const SlotRef> blocks, pages;
  int64_t keep_begin = 0, keep_end = 0;  // blocks that stay exact
  int64_t exact_begin = 0;               // pages before it need not be offered exactly when they are sealed
};

// Not thread-safe.
class PrefixTree {
 public:
  // `clock` is the time of use, which it may share with others; it must outlive the tree.
  explicit PrefixTree(uint64_t& clock);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  // The longest beginning of `tokens` that is held. `whole_blocks`: a block is only used with all its tokens.
  [[nodiscard]] PrefixMatch find(std::span<const TokenId> tokens, bool whole_blocks) const;
  // They were used just now.
  void touch(const PrefixMatch& match);
  // The sealed form of a page of the text whose cursor this is; null when it is not held.
  [[nodiscard]] const SlotRef* sealed_page(const PrefixCursor& cursor, int64_t page) const;

  // Adds what is new of the whole blocks of a text and moves its cursor behind them.
  void extend(PrefixCursor& cursor, const PrefixOffer& offer);
  // The same at the end of a text, with the block that is not full where `with_rest`.
  void finish(PrefixCursor& cursor, const PrefixOffer& offer, bool with_rest);
  // Gives up the spare exact blocks of pages [begin, end) that no sequence uses and that are not kept.
  void drop_spare(const PrefixCursor& cursor, int64_t begin, int64_t end);

  // Frees what was not used for longest among what no sequence uses, spare exact blocks first. False when there is
  // nothing to free.
  bool evict_one();
  void clear();
  // What evict_one() would free of either kind, null where there is nothing of it; and doing so.
  [[nodiscard]] PrefixNode* oldest_spare() const;
  [[nodiscard]] PrefixNode* oldest_leaf() const;
  void give_up_spare(PrefixNode* node);
  void give_up_leaf(PrefixNode* node);

  // Of a file. `parent` null for the root; what a node holds already stays.
  PrefixNode* add(PrefixNode* parent, const BlockTokens& tokens, SlotRef exact, SlotRef page);
  [[nodiscard]] PrefixNode* find_child(PrefixNode* parent, const BlockTokens& tokens) const;
  // Of nodes just added, the most recently used first and parents before children: removes those that are of no use,
  // and returns the tokens of the others.
  int64_t keep_added(std::span<PrefixNode* const> nodes);
  // All nodes, the most recently used first, parents before children.
  [[nodiscard]] std::vector<const PrefixNode*> by_use() const;

  [[nodiscard]] int64_t n_nodes() const { return n_nodes_; }
  [[nodiscard]] int64_t n_evicted() const { return n_evicted_; }  // slots
  [[nodiscard]] size_t overhead_bytes() const;

 private:
  // The order of eviction: time of use, then a stable rank.
  using Order = std::set<std::pair<uint64_t, PrefixNode*>>;

  PrefixNode* child_of(PrefixNode* parent, const BlockTokens& tokens);  // made if it is not there
  void drop_beginning(PrefixNode* parent, const BlockTokens& tokens);
  void fill(PrefixNode* node, const PrefixOffer& offer);
  void prune(PrefixNode* node);  // and its parents, as far as they hold nothing and nothing follows
  void remove(PrefixNode* node);  // with all that follows it
  void remove_leaf(PrefixNode* node);
  void forget(PrefixNode* node);  // takes it out of the orders
  void enlist(PrefixNode* node);  // puts it into the orders it belongs to
  void enlist_page(PrefixNode* node);  // itself and its parents in the page
  void set_use(PrefixNode* node, uint64_t time);

  std::unique_ptr<PrefixNode> root_;
  Order leaves_, spare_;
  uint64_t& clock_;
  int64_t n_nodes_ = 0;
  int64_t n_evicted_ = 0;
};

}  // namespace docmind::kv
