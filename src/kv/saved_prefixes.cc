// Cache: the held prefixes go to a file, and come back after a restart.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "kv/cache_state.h"
#include "kv/page_check.h"
#include "kv/state_bytes.h"
#include "kv/state_file.h"

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageBlocks;

Status write_node(StateWriter& writer, const Layout& layout, const PrefixNode& node, int64_t parent,
                  std::vector<std::byte>& copy) {
  const NodeStart start = {.parent = parent,
                           .n_tokens = static_cast<uint32_t>(node.tokens.n),
                           .has_exact = node.exact ? 1U : 0U,
                           .has_page = node.page ? 1U : 0U,
                           .reserved = 0};
  std::vector<std::span<const std::byte>> parts = {as_part(start), std::as_bytes(node.tokens.span())};
  if (node.exact) parts.push_back(block_part(layout, node.exact.data(), node.tokens.n, copy));
  if (node.page) parts.emplace_back(node.page.data(), used_page_bytes(layout, node.page.data()));
  return writer.add(RecordKind::kNode, parts);
}

// A node of a file. It is added when the whole file has been read.
struct StagedNode {
  StagedNode* parent = nullptr;  // null: the beginning of a text
  int64_t block = 0;
  BlockTokens tokens;
  PrefixNode* node = nullptr;    // in the tree, when it is there
  SlotRef exact, page;
  bool is_skipped = false;       // there was no room for it
};

class PrefixReader {
 public:
  PrefixReader(CacheState& cache, StateReader& reader, const std::string& path)
    : cache_(cache), layout_(cache.layout), reader_(reader), path_(path), is_full_(!cache.options.share_prefixes) {}

  Result<int64_t> read() {
    const size_t limit = sizeof(NodeStart) + kKvBlockTokens * sizeof(TokenId) + layout_.block_bytes() +
                         layout_.page_bytes();
    for (;;) {
      DM_ASSIGN(const StateReader::Record record, reader_.next(limit));
      if (record.kind == RecordKind::kEnd) return add_all();
      if (record.kind != RecordKind::kNode) return damaged("a record has the wrong place");
      DM_TRY(read_node(record.bytes));
    }
  }

 private:
  [[nodiscard]] Error damaged(std::string_view what) const { return damaged_file(path_, what); }

  Status read_node(std::span<const std::byte> bytes) {
    ByteTaker from(bytes);
    NodeStart start{};
    if (!from.take(start)) return damaged("a node is too short");
    if (start.parent < -1 || start.parent >= std::ssize(nodes_)) return damaged("a node follows one that is not there");
    auto staged = std::make_unique<StagedNode>();
    if (start.parent >= 0) {
      staged->parent = nodes_[static_cast<size_t>(start.parent)].get();
      staged->block = staged->parent->block + 1;
    }
    DM_TRY(read_tokens(start, from, *staged));
    std::span<const std::byte> exact, page;
    if (start.has_exact != 0 && !from.take(layout_.block_bytes(), exact)) return damaged("a block is too short");
    if (start.has_page != 0) {
      page = from.left();
      const bool may_have = staged->block % kKvPageBlocks == kKvPageBlocks - 1 && staged->block > kKvPageBlocks &&
                            staged->tokens.is_whole() && layout_.seals();
      if (!may_have || !is_page(layout_, page)) return damaged("a page is not of its form");
    } else if (!from.left().empty()) {
      return damaged("a node is too long");
    }
    store(*staged, exact, page);
    nodes_.push_back(std::move(staged));
    return {};
  }

  Status read_tokens(const NodeStart& start, ByteTaker& from, StagedNode& staged) {
    const bool whole_only = cache_.whole_blocks_only();
    if (start.reserved != 0 || start.n_tokens < 1 || start.n_tokens > kKvBlockTokens ||
        (whole_only && start.n_tokens < kKvBlockTokens)) {
      return damaged(fmt::format("a node has {} tokens", start.n_tokens));
    }
    const bool follows_rest = staged.parent != nullptr && !staged.parent->tokens.is_whole();
    if (follows_rest) return damaged("a node follows one that is not full");
    for (uint32_t i = 0; i < start.n_tokens; ++i) {
      if (!from.take(staged.tokens.tokens[i])) return damaged("a node is too short");
      if (staged.tokens.tokens[i] < 0) return damaged("a token is negative");
    }
    staged.tokens.n = static_cast<int32_t>(start.n_tokens);
    if (!seen_.emplace(staged.parent, staged.tokens).second) return damaged("a node is there twice");
    return {};
  }

  // Takes room for what the tree has not, until there is none.
  void store(StagedNode& staged, std::span<const std::byte> exact, std::span<const std::byte> page) {
    const StagedNode* parent = staged.parent;
    if (parent == nullptr || parent->node != nullptr) {
      staged.node = cache_.tree.find_child(parent == nullptr ? nullptr : parent->node, staged.tokens);
    }
    const auto keep = [&](SlotKind kind, std::span<const std::byte> bytes, SlotRef& slot) {
      if (bytes.empty() || is_full_) return;
      slot = cache_.pool->acquire(kind);
      is_full_ = !slot;
      if (slot) std::memcpy(slot.data(), bytes.data(), bytes.size());
    };
    if (staged.node == nullptr || !staged.node->exact) keep(SlotKind::kBlock, exact, staged.exact);
    if (staged.node == nullptr || !staged.node->page) keep(SlotKind::kPage, page, staged.page);
    const bool lacks_room = is_full_ && staged.node == nullptr;
    staged.is_skipped = lacks_room || (parent != nullptr && parent->is_skipped);
  }

  int64_t add_all() {
    PrefixTree& tree = cache_.tree;
    std::vector<PrefixNode*> added;
    for (const auto& staged : nodes_) {
      if (staged->is_skipped) continue;
      const bool is_new = staged->node == nullptr;
      PrefixNode* parent = staged->parent == nullptr ? nullptr : staged->parent->node;
      staged->node = tree.add(parent, staged->tokens, std::move(staged->exact), std::move(staged->page));
      if (is_new) added.push_back(staged->node);
    }
    return tree.keep_added(added);
  }

  CacheState& cache_;
  const Layout& layout_;
  StateReader& reader_;
  const std::string& path_;
  std::vector<std::unique_ptr<StagedNode>> nodes_;
  std::set<std::pair<const StagedNode*, BlockTokens>> seen_;
  bool is_full_;  // also where nothing is shared
};

}  // namespace

Status Cache::save(const std::string& path, size_t max_bytes) const {
  const Layout& layout = state_->layout;
  const std::string binding = state_binding(layout, state_->options.identity);
  DM_ASSIGN(StateWriter writer, StateWriter::create(path, StateKind::kPrefixes, binding));
  std::map<const PrefixNode*, int64_t> saved;
  std::vector<std::byte> copy;
  size_t n_bytes = 0;
  for (const PrefixNode* node : state_->tree.by_use()) {
    n_bytes += (node->exact ? layout.block_bytes() : 0) + (node->page ? layout.page_bytes() : 0);
    if (n_bytes > max_bytes) break;
    const auto parent = saved.find(node->parent);
    const auto index = static_cast<int64_t>(saved.size());
    DM_TRY(write_node(writer, layout, *node, parent == saved.end() ? -1 : parent->second, copy));
    saved.emplace(node, index);
  }
  return writer.finish();
}

Result<int64_t> Cache::load(const std::string& path) {
  const std::string binding = state_binding(state_->layout, state_->options.identity);
  DM_ASSIGN(StateReader reader, StateReader::open(path, StateKind::kPrefixes, binding));
  return PrefixReader(*state_, reader, path).read();
}

}  // namespace docmind::kv
