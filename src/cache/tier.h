// Tier: one level of a cache, in memory or on disk, behind one interface.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/hash.h"

namespace docmind::cache {

// A digest of everything the value depends on. Keys come from a cryptographic hash; the tiers use
// their bits as they are.
using CacheKey = Digest;

// Opaque bytes with their times. The value is shared, never changed and never null.
struct CacheEntry {
  std::shared_ptr<const std::string> value;
  int64_t created_unix_ms = 0;
  int64_t expires_unix_ms = 0;  // 0: never
  double cost_ms = 0;           // what making the value took, and a hit therefore saves; 0: unknown
};

[[nodiscard]] inline CacheEntry make_entry(std::string value, int64_t created_unix_ms = 0,
                                           int64_t expires_unix_ms = 0, double cost_ms = 0) {
  return {std::make_shared<const std::string>(std::move(value)), created_unix_ms, expires_unix_ms, cost_ms};
}

// Wall-clock time in milliseconds since the Unix epoch; tests hand in their own. Called from any
// thread.
using WallClock = std::function<int64_t()>;

// Counts since the tier was opened, sizes as they are now.
struct TierStats {
  std::string name;
  uint64_t hits = 0;
  uint64_t misses = 0;  // expired and damaged entries included
  uint64_t puts = 0;    // entries that were stored
  uint64_t rejected = 0;   // entries too large for the tier, not stored
  uint64_t evictions = 0;  // removed to keep the limit
  uint64_t expired = 0;
  uint64_t errors = 0;  // failed calls and damaged entries
  int64_t n_entries = 0;
  int64_t size_bytes = 0;
  int64_t limit_bytes = 0;
  uint64_t hit_bytes = 0;  // of the values that hits returned
  double saved_ms = 0;     // cost_ms of the entries that hits returned, in total
};

// Implementations may be called from several threads at once.
class Tier {
 public:
  virtual ~Tier() = default;
  // "memory" or "disk".
  [[nodiscard]] virtual std::string name() const = 0;
  // The entry, or nullopt when there is none that is alive and undamaged.
  [[nodiscard]] virtual Result<std::optional<CacheEntry>> get(const CacheKey& key) = 0;
  // Replaces what was there. An entry too large for the tier is not stored, and neither is the old
  // one kept: that is counted, not an error.
  [[nodiscard]] virtual Status put(const CacheKey& key, CacheEntry entry) = 0;
  [[nodiscard]] virtual Status erase(const CacheKey& key) = 0;
  [[nodiscard]] virtual Status clear() = 0;
  [[nodiscard]] virtual TierStats stats() const = 0;
  // Takes effect at once, at the latest with the next put; what is too much is evicted.
  [[nodiscard]] virtual Status set_limit(int64_t limit_bytes) = 0;
};

}  // namespace docmind::cache
