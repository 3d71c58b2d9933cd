// MemoryAnswers: exact repeats of questions, answered from memory on threads that must not wait.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "cache/answer_cache.h"
#include "cache/key_hash.h"
#include "monitor/metrics.h"
#include "pipeline/answer.h"
#include "pipeline/ask_options.h"
#include "pipeline/store_watch.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// What is served is in the cache's memory tier at that moment (so it is gone with an eviction, an expiry, an
// invalidation or a bad judgement), was made or revalidated in the very generation that the store is in, and cites
// files that are on disk what the index read. Decoded answers are kept beside the tier, each for the very bytes that it
// was decoded from. Borrows its parts. Any number of threads.
class MemoryAnswers {
 public:
  // `generator` may be null: its answers have one identity at all times.
  MemoryAnswers(cache::AnswerCache& cache, StoreWatch& watch, const providers::Generator* generator,
                monitor::Metrics& metrics, int64_t limit_bytes)
      : cache_(cache), watch_(watch), generator_(generator), metrics_(metrics), shard_bytes_(limit_bytes / kShards) {}

  // nullopt: ask the long way.
  [[nodiscard]] std::optional<Answer> find(std::string_view question, const AskOptions& options);

 private:
  struct Decoded {
    std::shared_ptr<const std::string> bytes;  // of the tier
    cache::CachedAnswer cached;                // without its payload
    Answer answer;
    std::vector<std::string> paths;            // of its citations
    std::vector<FileStamp> stamps;             // [paths]
  };
  using DecodedPtr = std::shared_ptr<const Decoded>;
  struct Entry {
    cache::CacheKey key{};
    DecodedPtr decoded;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> entries;  // the most recently used first
    std::unordered_map<cache::CacheKey, std::list<Entry>::iterator, cache::KeyHash> by_key;
    int64_t size_bytes = 0;
  };
  static constexpr size_t kShards = 8;

  DecodedPtr find_under(const ScopeParts& scope, int64_t generation, std::string_view question,
                        const AskOptions& options);
  DecodedPtr decoded(const cache::CacheKey& key, const std::shared_ptr<const std::string>& bytes, int64_t generation);
  DecodedPtr decode(const std::shared_ptr<const std::string>& bytes, int64_t generation) const;
  void keep(Shard& shard, const cache::CacheKey& key, DecodedPtr decoded) const;
  void drop(const cache::CacheKey& key);
  static void drop_locked(Shard& shard, const cache::CacheKey& key);
  Shard& shard_of(const cache::CacheKey& key) { return shards_[key.front() % kShards]; }

  cache::AnswerCache& cache_;
  StoreWatch& watch_;
  const providers::Generator* const generator_;
  monitor::Metrics& metrics_;
  const int64_t shard_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace docmind::pipeline
