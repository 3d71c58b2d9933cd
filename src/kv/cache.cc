// Cache: makes sequences, shares prefixes among them, and counts.
// SPDX-License-Identifier: Apache-2.0
#include "kv/cache.h"

#include <algorithm>

#include <fmt/format.h>

#include "kv/cache_state.h"
#include "kv/resume_point.h"
#include "kv/sequence_impl.h"

namespace docmind::kv {
namespace {

// The part of a match from which a sequence can go on as the options want it.
void shorten(const CacheState& cache, PrefixMatch& match) {
  if (!cache.layout.seals() || !cache.options.exact_reuse) return;
  const ExactPages is_exact = [&match](int64_t page, int64_t end) {
    for (int64_t i = page * kernels::kKvPageBlocks; i * kernels::kKvBlockTokens < end; ++i) {
      if (!match.nodes[static_cast<size_t>(i)]->exact) return false;
    }
    return true;
  };
  match.n_tokens = resume_point(cache.layout, match.n_tokens, true, is_exact);
  match.nodes.resize(static_cast<size_t>((match.n_tokens + kernels::kKvBlockTokens - 1) / kernels::kKvBlockTokens));
}

PrefixMatch find_prefix(const CacheState& cache, std::span<const TokenId> tokens) {
  PrefixMatch match;
  if (cache.options.share_prefixes) match = cache.tree.find(tokens, cache.whole_blocks_only());
  shorten(cache, match);
  return match;
}

}  // namespace

Cache::Cache(std::unique_ptr<CacheState> state) : state_(std::move(state)) {}
Cache::~Cache() = default;

Result<std::unique_ptr<Cache>> Cache::create(const Geometry& geometry, const CacheOptions& options,
                                             const kernels::KernelTable& table,
                                             std::shared_ptr<MemoryBudget> budget) {
  DM_ASSIGN(const Layout layout, Layout::create(geometry, options.format));
  const size_t least = kernels::kKvPageBlocks * layout.block_bytes() + layout.page_bytes();
  if (budget == nullptr) budget = std::make_shared<MemoryBudget>(options.budget_bytes);
  if (budget->n_bytes() < least) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a budget of {} bytes for the KV cache is less than the {} that {} tokens need",
                             budget->n_bytes(), least, kernels::kKvPageTokens)};
  }
  DM_ASSIGN(auto pool, BlockPool::create(*budget, layout.block_bytes(), layout.page_bytes()));
  return std::unique_ptr<Cache>(
      new Cache(std::make_unique<CacheState>(options, layout, table, std::move(budget), std::move(pool))));
}

const Layout& Cache::layout() const { return state_->layout; }

Result<std::unique_ptr<Sequence>> Cache::new_sequence(int64_t capacity) { return new_sequence({}, capacity); }

Result<std::unique_ptr<Sequence>> Cache::new_sequence(std::span<const TokenId> prompt, int64_t capacity) {
  if (capacity < 1 || std::ssize(prompt) > capacity) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("a sequence with room for {} tokens cannot hold {}", capacity,
                                                          std::max<size_t>(prompt.size(), 1))};
  }
  auto impl = std::make_unique<Sequence::Impl>(*state_, capacity, std::ssize(prompt));
  if (!prompt.empty()) {
    const PrefixMatch match = find_prefix(*state_, prompt.first(prompt.size() - 1));
    state_->tree.touch(match);
    impl->share(prompt, match);
    ++state_->n_lookups;
    state_->n_lookup_tokens += std::ssize(prompt);
    if (match.n_tokens > 0) ++state_->n_hits;
    state_->n_hit_tokens += match.n_tokens;
  }
  return std::unique_ptr<Sequence>(new Sequence(std::move(impl)));
}

int64_t Cache::held_prefix(std::span<const TokenId> prompt) const { return find_prefix(*state_, prompt).n_tokens; }

size_t Cache::available_bytes() const { return state_->budget->n_bytes() - state_->budget->used_bytes(); }

CacheStats Cache::stats() const {
  const CacheState& s = *state_;
  CacheStats stats;
  stats.budget_bytes = s.budget->n_bytes();
  stats.referenced_bytes = s.pool->used_bytes();
  stats.held_bytes = s.pool->held_bytes();
  stats.peak_bytes = s.budget->peak_bytes();
  stats.resident_bytes = s.pool->resident_bytes();
  stats.overhead_bytes = s.table_bytes + s.tree.overhead_bytes() + s.pool->overhead_bytes();
  stats.n_sequences = s.n_sequences;
  stats.n_blocks = s.pool->n_taken(SlotKind::kBlock);
  stats.n_pages = s.pool->n_taken(SlotKind::kPage);
  stats.n_tree_nodes = s.tree.n_nodes();
  stats.n_lookups = s.n_lookups;
  stats.n_hits = s.n_hits;
  stats.n_lookup_tokens = s.n_lookup_tokens;
  stats.n_hit_tokens = s.n_hit_tokens;
  stats.n_evicted_blocks = s.tree.n_evicted();
  stats.n_copied_blocks = s.n_copied_blocks;
  stats.n_sealed_pages = s.n_sealed_pages;
  if (s.n_sealed_pages > 0) stats.mean_mixed_bits = s.mixed_bits_sum / static_cast<double>(s.n_sealed_pages);
  return stats;
}

void Cache::evict(size_t keep_bytes) {
  while (state_->pool->held_bytes() > keep_bytes && state_->tree.evict_one()) {
  }
  state_->pool->trim();
}

}  // namespace docmind::kv
