// CacheState: what a Cache and its sequences share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "kernels/kernels.h"
#include "kv/block_pool.h"
#include "kv/cache.h"
#include "kv/layout.h"
#include "kv/memory_budget.h"
#include "kv/prefix_tree.h"

namespace docmind::kv {

class CacheState {
 public:
  CacheState(CacheOptions all_options, const Layout& its_layout, const kernels::KernelTable& its_table,
             std::shared_ptr<MemoryBudget> its_budget, std::unique_ptr<BlockPool> its_pool)
    : options(std::move(all_options)), layout(its_layout), table(its_table), budget(std::move(its_budget)),
      pool(std::move(its_pool)), tree(budget->clock()) {
    budget->join(*pool, tree);
  }
  ~CacheState() { budget->leave(*pool); }
  CacheState(const CacheState&) = delete;
  CacheState& operator=(const CacheState&) = delete;

  // MemoryBudget::make_room for so many blocks and pages.
  bool make_room(int64_t n_blocks, int64_t n_pages) { return budget->make_room(bytes_of(n_blocks, n_pages)); }
  [[nodiscard]] size_t bytes_of(int64_t n_blocks, int64_t n_pages) const {
    return static_cast<size_t>(n_blocks) * layout.block_bytes() + static_cast<size_t>(n_pages) * layout.page_bytes();
  }
  // Energies of queries belong to whole blocks, so prefixes end with one.
  [[nodiscard]] bool whole_blocks_only() const { return layout.has_query_energy(); }

  const CacheOptions options;
  const Layout layout;
  const kernels::KernelTable& table;
  const std::shared_ptr<MemoryBudget> budget;
  const std::unique_ptr<BlockPool> pool;
  PrefixTree tree;

  // Counters of CacheStats.
  int64_t n_sequences = 0;
  size_t table_bytes = 0;
  int64_t n_lookups = 0, n_hits = 0, n_lookup_tokens = 0, n_hit_tokens = 0;
  int64_t n_copied_blocks = 0, n_sealed_pages = 0;
  double mixed_bits_sum = 0;
};

}  // namespace docmind::kv
