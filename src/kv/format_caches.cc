// FormatCaches: makes caches as formats are used, and sums over them.
// SPDX-License-Identifier: Apache-2.0
#include "kv/format_caches.h"

#include <fmt/format.h>

namespace docmind::kv {
namespace {

FormatOptions with_format(FormatOptions options, Format format) {
  options.format = format;
  return options;
}

void add(CacheStats& sum, const CacheStats& one) {
  sum.referenced_bytes += one.referenced_bytes;
  sum.held_bytes += one.held_bytes;
  sum.resident_bytes += one.resident_bytes;
  sum.overhead_bytes += one.overhead_bytes;
  sum.n_sequences += one.n_sequences;
  sum.n_blocks += one.n_blocks;
  sum.n_pages += one.n_pages;
  sum.n_tree_nodes += one.n_tree_nodes;
  sum.n_lookups += one.n_lookups;
  sum.n_hits += one.n_hits;
  sum.n_lookup_tokens += one.n_lookup_tokens;
  sum.n_hit_tokens += one.n_hit_tokens;
  sum.n_evicted_blocks += one.n_evicted_blocks;
  sum.n_copied_blocks += one.n_copied_blocks;
  sum.n_sealed_pages += one.n_sealed_pages;
  sum.mean_mixed_bits += one.mean_mixed_bits;  // only one of them is `mixed`
}

}  // namespace

Result<std::unique_ptr<FormatCaches>> FormatCaches::create(const Geometry& geometry, const CacheOptions& options,
                                                           const kernels::KernelTable& table) {
  std::unique_ptr<FormatCaches> caches(new FormatCaches(geometry, options, table));
  for (size_t i = 0; i < kNFormats; ++i) {
    caches->layouts_[i] = Layout::create(geometry, with_format(options.format, static_cast<Format>(i)));
  }
  DM_TRY(caches->cache(options.format.format));
  return caches;
}

Result<const Layout*> FormatCaches::layout(Format format) const {
  const Result<Layout>& wanted = *layouts_[static_cast<size_t>(format)];
  if (!wanted.ok()) return Error(wanted.error());
  const Result<Layout>& most = *layouts_[static_cast<size_t>(configured_format())];
  if (!most.ok()) return Error(most.error());
  if (wanted->bytes_per_token() <= most->bytes_per_token()) return &*wanted;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("keys and values of a token take {:.0f} bytes as {} and {:.0f} as the configured {}; choose "
                           "a format that takes less, or set kv.format to {}",
                           wanted->bytes_per_token(), format_name(format), most->bytes_per_token(),
                           format_name(configured_format()), format_name(format))};
}

Result<Cache*> FormatCaches::cache(Format format) {
  std::unique_ptr<Cache>& cache = caches_[static_cast<size_t>(format)];
  if (cache != nullptr) return cache.get();
  DM_ASSIGN(const Layout* layout, this->layout(format));
  CacheOptions options = options_;
  options.format = layout->options();
  DM_ASSIGN(cache, Cache::create(geometry_, options, table_, budget_));
  return cache.get();
}

CacheStats FormatCaches::stats() const {
  CacheStats sum;
  for (const auto& cache : caches_) {
    if (cache != nullptr) add(sum, cache->stats());
  }
  sum.budget_bytes = budget_->n_bytes();
  sum.peak_bytes = budget_->peak_bytes();
  return sum;
}

std::vector<FormatUse> FormatCaches::uses() const {
  std::vector<FormatUse> uses;
  for (size_t i = 0; i < kNFormats; ++i) {
    if (caches_[i] == nullptr) continue;
    const CacheStats stats = caches_[i]->stats();
    uses.push_back({static_cast<Format>(i), stats.n_sequences, stats.referenced_bytes, stats.held_bytes});
  }
  return uses;
}

void FormatCaches::evict(size_t keep_bytes) {
  while (budget_->held_bytes() > keep_bytes && budget_->evict_one()) {
  }
  // What is left of each is kept; the memory of free slots goes back.
  for (const auto& cache : caches_) {
    if (cache != nullptr) cache->evict(cache->stats().held_bytes);
  }
}

}  // namespace docmind::kv
