// ComputationCache: results of costly steps by a digest of everything they depend on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cache/tiered_cache.h"

namespace docmind::cache {

// A kind of step; its results have one encoding.
// kModelInfo: what loading a model file told of it.
enum class Computation { kEmbedding, kRerank, kRetrieval, kParsedFile, kModelInfo };
inline constexpr size_t kComputationCount = 5;
[[nodiscard]] std::string_view computation_name(Computation computation);  // "embedding"

struct ComputationCacheOptions {
  std::string disk_path;              // of the SQLite file; empty: memory only
  int64_t memory_bytes = 32 << 20;    // 0: no memory tier
  int64_t disk_bytes = 256 << 20;
  WallClock now = unix_time_ms;
};

struct ComputationStats {
  std::string name;
  uint64_t n_hits = 0;
  uint64_t n_misses = 0;
  double saved_ms = 0;  // what the hits took when they were computed
};

// A result is a function of its key, so it never goes stale; it goes when room is needed. Retrievals
// change with every commit of the store, so they are kept in memory only. May be called from several
// threads at once.
class ComputationCache {
 public:
  // `*repaired` as in AnswerCache::open().
  static Result<std::unique_ptr<ComputationCache>> open(const ComputationCacheOptions& options,
                                                        std::string* repaired);

  // Null when it is not there. `key`: a digest of the inputs and of the identity of what computes
  // (model file, version, settings).
  [[nodiscard]] std::shared_ptr<const std::string> find(Computation computation, const Digest& key);
  // Written to disk behind the caller's back; a cache that cannot be written is only slower.
  void keep(Computation computation, const Digest& key, std::string value, double cost_ms);
  // Waits until everything kept so far is on disk.
  [[nodiscard]] Status flush();
  [[nodiscard]] Status clear();
  // Of the memory tier and the disk tier.
  [[nodiscard]] Status set_limits(int64_t memory_bytes, int64_t disk_bytes);

  [[nodiscard]] std::vector<ComputationStats> stats() const;
  [[nodiscard]] std::vector<TierStats> tier_stats() const;

 private:
  struct Impl;
  explicit ComputationCache(std::unique_ptr<Impl> impl);

 public:
  ~ComputationCache();

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::cache
