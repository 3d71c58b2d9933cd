// ComputationCache: results of costly steps by a digest of everything they depend on.
// SPDX-License-Identifier: Apache-2.0
#include "cache/computation_cache.h"

#include <utility>

#include "cache/disk_tier.h"
#include "cache/memory_tier.h"

namespace docmind::cache {
namespace {

// Raised whenever an encoding of results changes, so that old ones are never found again.
constexpr std::string_view kComputationKeyVersion = "docmind computation key 1";

}  // namespace

std::string_view computation_name(Computation computation) {
  switch (computation) {
    case Computation::kEmbedding: return "embedding";
    case Computation::kRerank: return "rerank";
    case Computation::kRetrieval: return "retrieval";
    case Computation::kParsedFile: return "parsed_file";
    case Computation::kModelInfo: return "model_info";
  }
  return "unknown";
}

struct ComputationCache::Impl {
  struct Counts {
    std::atomic<uint64_t> n_hits{0}, n_misses{0};
    std::atomic<double> saved_ms{0};
  };

  CacheKey key_of(Computation computation, const Digest& key) const {
    const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
    return FieldHasher()
        .add(kComputationKeyVersion)
        .add(computation_name(computation))
        .add(bytes)
        .finish();
  }
  std::optional<CacheEntry> find(Computation computation, const CacheKey& key) {
    if (computation != Computation::kRetrieval) {
      std::optional<TieredHit> hit = tiers->get(key);
      return hit ? std::optional(std::move(hit->entry)) : std::nullopt;
    }
    Result<std::optional<CacheEntry>> entry = memory->get(key);
    return entry.ok() ? *std::move(entry) : std::nullopt;
  }

  WallClock now;
  bool has_disk = false;
  MemoryTier* memory = nullptr;  // the first of the tiers
  std::unique_ptr<TieredCache> tiers;
  std::array<Counts, kComputationCount> counts;
};

ComputationCache::ComputationCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ComputationCache::~ComputationCache() = default;

Result<std::unique_ptr<ComputationCache>> ComputationCache::open(
    const ComputationCacheOptions& options, std::string* repaired) {
  if (repaired != nullptr) repaired->clear();
  // Without a limit it stores nothing, yet it is there for a later one.
  auto memory = std::make_unique<MemoryTier>(
      MemoryTierOptions{.limit_bytes = options.memory_bytes, .now = options.now});
  auto impl = std::make_unique<Impl>();
  impl->now = options.now;
  impl->memory = memory.get();
  std::vector<std::unique_ptr<Tier>> tiers;
  tiers.push_back(std::move(memory));
  if (!options.disk_path.empty()) {
    DM_ASSIGN(std::unique_ptr<DiskTier> disk, DiskTier::open({.path = options.disk_path,
                                                              .limit_bytes = options.disk_bytes,
                                                              .now = options.now}));
    if (repaired != nullptr) *repaired = disk->take_warning();
    tiers.push_back(std::move(disk));
    impl->has_disk = true;
  }
  impl->tiers = std::make_unique<TieredCache>(
      std::move(tiers), TieredCacheOptions{.write_behind = true, .now = options.now});
  return std::unique_ptr<ComputationCache>(new ComputationCache(std::move(impl)));
}

std::shared_ptr<const std::string> ComputationCache::find(Computation computation,
                                                          const Digest& key) {
  std::optional<CacheEntry> entry = impl_->find(computation, impl_->key_of(computation, key));
  Impl::Counts& counts = impl_->counts[static_cast<size_t>(computation)];
  ++(entry ? counts.n_hits : counts.n_misses);
  if (!entry) return nullptr;
  counts.saved_ms.fetch_add(entry->cost_ms, std::memory_order_relaxed);
  return std::move(entry->value);
}

void ComputationCache::keep(Computation computation, const Digest& key, std::string value,
                            double cost_ms) {
  const CacheKey cache_key = impl_->key_of(computation, key);
  CacheEntry entry = make_entry(std::move(value), impl_->now(), 0, cost_ms);
  // The tiers count their errors.
  if (computation == Computation::kRetrieval) {
    [[maybe_unused]] Status ignored = impl_->memory->put(cache_key, std::move(entry));
  } else {
    [[maybe_unused]] Status ignored = impl_->tiers->put(cache_key, entry);
  }
}

Status ComputationCache::flush() { return impl_->tiers->flush(); }

Status ComputationCache::clear() { return impl_->tiers->clear(); }

Status ComputationCache::set_limits(int64_t memory_bytes, int64_t disk_bytes) {
  const int64_t limits[] = {memory_bytes, disk_bytes};
  return impl_->tiers->set_limits(std::span(limits, impl_->has_disk ? 2 : 1));
}

std::vector<ComputationStats> ComputationCache::stats() const {
  std::vector<ComputationStats> all;
  for (size_t i = 0; i < kComputationCount; ++i) {
    const Impl::Counts& counts = impl_->counts[i];
    all.push_back({.name = std::string(computation_name(static_cast<Computation>(i))),
                   .n_hits = counts.n_hits,
                   .n_misses = counts.n_misses,
                   .saved_ms = counts.saved_ms});
  }
  return all;
}

std::vector<TierStats> ComputationCache::tier_stats() const { return impl_->tiers->stats(); }

}  // namespace docmind::cache
