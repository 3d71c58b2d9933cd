// AnswerCache: answers by their exact scope and question, served only while they still hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cache/cached_answer.h"
#include "cache/tiered_cache.h"

namespace docmind::cache {

// All that must be equal, byte by byte, before two questions are compared at all.
struct AnswerScope {
  std::string tenant;
  std::string store_id;
  std::string provider;        // identity of the generator
  std::string embedder;        // identity of the embedder
  std::string prompt_version;
  std::string settings;        // everything else that changes the answer: top_k, sampling, ...
};

struct AnswerCacheOptions {
  std::string disk_path;              // of the SQLite file; empty: memory only
  int64_t memory_bytes = 64 << 20;    // 0: no memory tier
  int64_t disk_bytes = 512 << 20;
  int64_t ttl_ms = 0;                 // age at which an answer is dropped; 0: never
  WallClock now = unix_time_ms;
};

// Counts since the cache was opened.
struct AnswerCacheStats {
  uint64_t hits = 0;         // an answer was found, fresh or not; served = hits - stale
  uint64_t misses = 0;
  uint64_t stale = 0;        // found and thrown away: the documents say something else now
  uint64_t revalidated = 0;  // found and kept, although the store had changed
  uint64_t damaged = 0;      // found, but not decodable; a miss
  uint64_t stored = 0;
};

// May be called from several threads at once. Typical use:
//   if (auto answer = cache.lookup(scope, question)) {
//     if (check(*answer, generation) == Freshness::kFresh) serve it;
//     else retrieve again, and serve it if revalidate(...) says kFresh;
//   }
class AnswerCache {
 public:
  // Opens or creates the tiers. `*repaired` gets a sentence for the user when a damaged file had to
  // be replaced, else stays empty; may be null. Fails only when the disk file cannot be used at all.
  static Result<std::unique_ptr<AnswerCache>> open(const AnswerCacheOptions& options,
                                                   std::string* repaired);

  // What identifies an answer: a digest of the scope and the normalised question.
  [[nodiscard]] static CacheKey key_of(const AnswerScope& scope, std::string_view question);

  // The stored answer, which may be out of date: see check(). A damaged one is erased and missed.
  [[nodiscard]] std::optional<CachedAnswer> lookup(const AnswerScope& scope,
                                                   std::string_view question);
  // An error means only that it was not kept everywhere.
  [[nodiscard]] Status store(const AnswerScope& scope, std::string_view question,
                             CachedAnswer answer);
  // Decides by judge() about an answer that lookup() returned. `generation` and `retrieved_set` must
  // come from one state of the store. A fresh answer is stored again with that generation and its
  // old age; a stale one is erased.
  [[nodiscard]] Freshness revalidate(const AnswerScope& scope, std::string_view question,
                                     const CachedAnswer& answer, int64_t generation,
                                     const Digest& retrieved_set,
                                     const ContentHashOf& content_hash_of);
  // Forgets one answer, for example because a person said that it is wrong.
  [[nodiscard]] Status erase(const AnswerScope& scope, std::string_view question);
  [[nodiscard]] Status clear();

  [[nodiscard]] AnswerCacheStats stats() const;
  // Fastest tier first.
  [[nodiscard]] std::vector<TierStats> tier_stats() const { return tiers_.stats(); }

 private:
  AnswerCache(const AnswerCacheOptions& options, std::vector<std::unique_ptr<Tier>> tiers);
  Status put(const CacheKey& key, const CachedAnswer& answer);

  const int64_t ttl_ms_;
  const bool has_memory_;
  const WallClock now_;
  TieredCache tiers_;
  std::atomic<uint64_t> hits_{0}, misses_{0}, stale_{0}, revalidated_{0}, damaged_{0}, stored_{0};
};

}  // namespace docmind::cache
