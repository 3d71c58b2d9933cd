// SequenceState: reserves, commits and gives back the blocks and pages of a sequence.
// SPDX-License-Identifier: Apache-2.0
#include "kv/sequence_state.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include <fmt/format.h>

#include "kv/resume_point.h"

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageBlocks;
using kernels::kKvPageTokens;

int64_t blocks_of(int64_t n_tokens) { return (n_tokens + kKvBlockTokens - 1) / kKvBlockTokens; }

}  // namespace

// What a pass takes.
struct SequenceState::Need {
  int64_t n_new = 0;      // blocks behind those that are there
  bool copies = false;    // the last block is written and somebody else holds it
};

SequenceState::SequenceState(CacheState& its_cache, int64_t its_capacity, int64_t n_prompt)
  : cache(its_cache), layout(its_cache.layout), capacity(its_capacity), n_prompt_(n_prompt) {
  const auto n_blocks = static_cast<size_t>(blocks_of(capacity));
  const size_t n_pages = layout.seals() ? (n_blocks + kKvPageBlocks - 1) / kKvPageBlocks : 0;
  tokens.reserve(static_cast<size_t>(capacity));
  blocks.resize(n_blocks);
  block_data.resize(n_blocks);
  pages.resize(n_pages);
  page_data.resize(n_pages);
  const Geometry& g = layout.geometry();
  if (layout.has_query_energy()) saved_energy_.resize(static_cast<size_t>(g.n_layers * g.n_kv_heads * g.head_dim));
  constexpr size_t kEntry = sizeof(SlotRef) + sizeof(std::byte*);
  table_bytes_ = static_cast<size_t>(capacity) * sizeof(TokenId) + (n_blocks + n_pages) * kEntry +
                 saved_energy_.size() * sizeof(float);
  cache.table_bytes += table_bytes_;
  ++cache.n_sequences;
}

SequenceState::~SequenceState() {
  roll_back();
  finish();
  cache.table_bytes -= table_bytes_;
  --cache.n_sequences;
}

std::byte* SequenceState::block_of(int64_t token) const {
  return blocks[static_cast<size_t>(token / kKvBlockTokens)].data();
}

size_t SequenceState::memory_bytes() const {
  return cache.bytes_of(n_blocks_, n_pages_ + static_cast<int64_t>(due.size()));
}

void SequenceState::set_block(int64_t index, SlotRef slot) {
  const auto i = static_cast<size_t>(index);
  n_blocks_ += (slot ? 1 : 0) - (blocks[i] ? 1 : 0);
  blocks[i] = std::move(slot);
  block_data[i] = blocks[i].data();
}

void SequenceState::set_page(int64_t index, SlotRef slot) {
  const auto i = static_cast<size_t>(index);
  n_pages_ += (slot ? 1 : 0) - (pages[i] ? 1 : 0);
  pages[i] = std::move(slot);
  page_data[i] = pages[i].data();
}

void SequenceState::share(std::span<const TokenId> prompt, const PrefixMatch& match) {
  const int64_t n = match.n_tokens, n_sealed = layout.sealed_pages(n);
  for (size_t i = 0; i < match.nodes.size(); ++i) {
    const auto block = static_cast<int64_t>(i), page = block / kKvPageBlocks;
    const bool is_whole = (page + 1) * kKvPageTokens <= n;
    const PrefixNode* end = is_whole ? match.nodes[static_cast<size_t>((page + 1) * kKvPageBlocks - 1)] : nullptr;
    const bool has_page = end != nullptr && end->page;
    const bool reads_exact = !has_page || page >= n_sealed;
    if (match.nodes[i]->exact && reads_exact) set_block(block, match.nodes[i]->exact.share(SlotHolder::kSequence));
    if (has_page && match.nodes[i] == end) set_page(page, end->page.share(SlotHolder::kSequence));
  }
  tokens.assign(prompt.begin(), prompt.begin() + n);
  n_shared = reserved_end_ = n;
  if (n >= kKvBlockTokens) cursor_.move_to(match.nodes[static_cast<size_t>(n / kKvBlockTokens - 1)]);
  drop_sealed();
}

Status SequenceState::plan(int64_t end, Need& need) {
  const int64_t n = n_tokens();
  need.n_new = blocks_of(end) - blocks_of(n);
  need.copies = n % kKvBlockTokens != 0 && blocks[static_cast<size_t>(n / kKvBlockTokens)].is_shared();
  for (int64_t page = n_done_; page < layout.sealed_pages(end - 1); ++page) {
    if (pages[static_cast<size_t>(page)]) continue;
    if (const SlotRef* sealed = cache.tree.sealed_page(cursor_, page)) {
      set_page(page, sealed->share(SlotHolder::kSequence));
    } else {
      due.push_back({.page = page, .slot = {}});
    }
  }
  const int64_t n_blocks = need.n_new + (need.copies ? 1 : 0), n_pages = static_cast<int64_t>(due.size());
  if (cache.make_room(n_blocks, n_pages)) return {};
  due.clear();
  return Error{ErrorCode::kLimit,
               fmt::format("{} more tokens need {} bytes of KV cache, but of its {} bytes sequences use {}", end - n,
                           cache.bytes_of(n_blocks, n_pages), cache.budget->n_bytes(), cache.budget->used_bytes())};
}

void SequenceState::take(Need& need) {
  const int64_t n = n_tokens();
  BlockPool& pool = *cache.pool;
  if (need.copies) {
    SlotRef copy = pool.acquire(SlotKind::kBlock);
    std::memcpy(copy.data(), block_of(n), layout.block_bytes());
    set_block(n / kKvBlockTokens, std::move(copy));
    ++cache.n_copied_blocks;
  }
  for (int64_t i = 0; i < need.n_new; ++i) set_block(blocks_of(n) + i, pool.acquire(SlotKind::kBlock));
  for (DuePage& page : due) {
    page.slot = pool.acquire(SlotKind::kPage);
    page_data[static_cast<size_t>(page.page)] = page.slot.data();
  }
}

Status SequenceState::reserve(int64_t n) {
  roll_back();
  const int64_t end = n_tokens() + n;
  if (n < 1) return Error{ErrorCode::kInvalidArgument, fmt::format("cannot reserve {} tokens", n)};
  if (n > capacity - n_tokens()) {
    return Error{ErrorCode::kLimit, fmt::format("{} tokens after {} are more than the sequence's capacity of {}", n,
                                                n_tokens(), capacity)};
  }
  Need need;
  DM_TRY(plan(end, need));
  take(need);
  reserved_end_ = end;
  save_energy();
  return {};
}

void SequenceState::roll_back() {
  if (reserved_end_ == n_tokens()) return;
  restore_energy();
  for (const DuePage& page : due) page_data[static_cast<size_t>(page.page)] = nullptr;
  due.clear();
  for (int64_t i = blocks_of(n_tokens()); i < blocks_of(reserved_end_); ++i) set_block(i, {});
  reserved_end_ = n_tokens();
}

void SequenceState::commit(std::span<const TokenId> new_tokens) {
  assert(static_cast<int64_t>(new_tokens.size()) == reserved_end_ - n_tokens());
  tokens.insert(tokens.end(), new_tokens.begin(), new_tokens.end());
  energy_is_saved_ = false;
  for (DuePage& page : due) {
    count_sealed(page);
    set_page(page.page, std::move(page.slot));
  }
  due.clear();
  publish();
  drop_sealed();
}

// Exact blocks that no later query reads, of this sequence, and those that the tree keeps for others in vain.
void SequenceState::drop_sealed() {
  if (!layout.seals()) return;
  const int64_t end = layout.sealed_pages(n_tokens());
  for (; n_done_ < end && pages[static_cast<size_t>(n_done_)]; ++n_done_) {
    for (int64_t i = 0; i < kKvPageBlocks; ++i) set_block(n_done_ * kKvPageBlocks + i, {});
  }
  const int64_t spare_end = std::min(n_done_, exact_begin(n_tokens()));
  if (spare_end > n_spare_dropped_) cache.tree.drop_spare(cursor_, n_spare_dropped_, spare_end);
  n_spare_dropped_ = std::max(n_spare_dropped_, spare_end);
}

// Pages from it on stay exact in the tree for texts that part or end a little before.
int64_t SequenceState::exact_begin(int64_t n) const {
  return std::max<int64_t>(1, n / kKvPageTokens - layout.options().residual_tokens / kKvPageTokens - 2);
}

// What it wrote itself was computed one token a pass, which rounds differently from a prompt's passes.
std::span<const TokenId> SequenceState::offered_tokens() const {
  const std::span<const TokenId> all = tokens;
  return cache.options.exact_reuse && n_prompt_ > 0 ? all.first(static_cast<size_t>(std::min(n_prompt_, n_tokens())))
                                                    : all;
}

PrefixOffer SequenceState::offer() const {
  return {.tokens = offered_tokens(),
          .blocks = blocks,
          .pages = pages,
          .keep_begin = exact_begin(n_prompt_) * kKvPageBlocks,
          .keep_end = blocks_of(n_prompt_),
          .exact_begin = exact_begin(n_tokens())};
}

void SequenceState::publish() {
  if (cache.options.share_prefixes) cache.tree.extend(cursor_, offer());
}

void SequenceState::finish() {
  if (!cache.options.share_prefixes || tokens.empty()) return;
  cache.tree.finish(cursor_, offer(), !cache.whole_blocks_only());
}

void SequenceState::clear() {
  roll_back();
  for (size_t i = 0; i < blocks.size(); ++i) set_block(static_cast<int64_t>(i), {});
  forget_from(0);
}

void SequenceState::resume(int64_t n_shared_tokens, int64_t n_queries_of_head) {
  reserved_end_ = n_tokens();
  n_shared = n_shared_tokens;
  n_queries_.store(n_queries_of_head, std::memory_order_relaxed);
  drop_sealed();
}

// The last token from which on it can go on, at most `n`.
int64_t SequenceState::resume_point(int64_t n) const {
  if (n >= n_tokens()) return n_tokens();
  n = std::max<int64_t>(n, 0);
  if (cache.whole_blocks_only()) n = n / kKvBlockTokens * kKvBlockTokens;
  if (!layout.seals()) return n;
  const ExactPages exact = [this](int64_t page, int64_t end) {
    for (int64_t i = page * kKvPageBlocks; i < blocks_of(end); ++i) {
      if (!blocks[static_cast<size_t>(i)]) return false;
    }
    return true;
  };
  return kv::resume_point(layout, n, cache.options.exact_reuse, exact);
}

int64_t SequenceState::truncate(int64_t n) {
  roll_back();
  n = resume_point(n);
  if (n < n_tokens()) forget_from(n);
  return n;
}

void SequenceState::forget_from(int64_t n) {
  for (int64_t i = blocks_of(n); i < blocks_of(n_tokens()); ++i) set_block(i, {});
  for (int64_t i = n / kKvPageTokens; i < static_cast<int64_t>(pages.size()); ++i) set_page(i, {});
  tokens.resize(static_cast<size_t>(n));
  reserved_end_ = n;
  n_shared = std::min(n_shared, n);
  n_done_ = std::min(n_done_, std::max<int64_t>(1, n / kKvPageTokens));
  n_spare_dropped_ = std::min(n_spare_dropped_, n_done_);
  energy_is_saved_ = false;
  PrefixNode* node = cursor_.node();
  while (node != nullptr && (node->block + 1) * kKvBlockTokens > n) node = node->parent;
  cursor_.move_to(node != nullptr && node->block >= 0 ? node : nullptr);
}

}  // namespace docmind::kv
