// AnswerCache: answers by their exact scope and question, served only while they still hold.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_cache.h"

#include <limits>
#include <utility>

#include "cache/disk_tier.h"
#include "cache/memory_tier.h"
#include "cache/normalise_question.h"

namespace docmind::cache {
namespace {

// Raised whenever what goes into the key changes, so that old entries are never found again.
constexpr std::string_view kKeyVersion = "docmind answer key 1";

}  // namespace

AnswerCache::AnswerCache(const AnswerCacheOptions& options,
                         std::vector<std::unique_ptr<Tier>> tiers)
    : ttl_ms_(options.ttl_ms),
      has_memory_(options.memory_bytes > 0),
      now_(options.now),
      tiers_(std::move(tiers)) {}

Result<std::unique_ptr<AnswerCache>> AnswerCache::open(const AnswerCacheOptions& options,
                                                       std::string* repaired) {
  std::vector<std::unique_ptr<Tier>> tiers;
  if (options.memory_bytes > 0) {
    MemoryTierOptions memory;
    memory.limit_bytes = options.memory_bytes;
    memory.now = options.now;
    tiers.push_back(std::make_unique<MemoryTier>(std::move(memory)));
  }
  if (repaired != nullptr) repaired->clear();
  if (!options.disk_path.empty()) {
    DM_ASSIGN(std::unique_ptr<DiskTier> disk, DiskTier::open({.path = options.disk_path,
                                                              .limit_bytes = options.disk_bytes,
                                                              .now = options.now}));
    if (repaired != nullptr) *repaired = disk->take_warning();
    tiers.push_back(std::move(disk));
  }
  return std::unique_ptr<AnswerCache>(new AnswerCache(options, std::move(tiers)));
}

CacheKey AnswerCache::key_of(const AnswerScope& scope, std::string_view question) {
  return FieldHasher()
      .add(kKeyVersion)
      .add(scope.tenant)
      .add(scope.store_id)
      .add(scope.provider)
      .add(scope.embedder)
      .add(scope.prompt_version)
      .add(scope.settings)
      .add(normalise_question(question))
      .finish();
}

std::optional<CachedAnswer> AnswerCache::lookup(const AnswerScope& scope,
                                                std::string_view question) {
  const CacheKey key = key_of(scope, question);
  std::optional<TieredHit> hit = tiers_.get(key);
  if (!hit) {
    ++misses_;
    return std::nullopt;
  }
  Result<CachedAnswer> answer = decode_cached_answer(*hit->entry.value);
  if (!answer.ok()) {
    ++damaged_;
    ++misses_;
    // Should it fail, the next lookup finds the same bytes and says the same.
    [[maybe_unused]] Status ignored = tiers_.erase(key);
    return std::nullopt;
  }
  ++hits_;
  answer->from_memory = has_memory_ && hit->tier == 0;
  return *std::move(answer);
}

Status AnswerCache::put(const CacheKey& key, const CachedAnswer& answer) {
  DM_ASSIGN(std::string bytes, encode_cached_answer(answer));
  int64_t expires_unix_ms = 0;
  if (ttl_ms_ > 0 && answer.created_unix_ms <= std::numeric_limits<int64_t>::max() - ttl_ms_) {
    expires_unix_ms = answer.created_unix_ms + ttl_ms_;
  }
  return tiers_.put(key, make_entry(std::move(bytes), answer.created_unix_ms, expires_unix_ms));
}

Status AnswerCache::store(const AnswerScope& scope, std::string_view question,
                          CachedAnswer answer) {
  if (answer.created_unix_ms == 0) answer.created_unix_ms = now_();
  DM_TRY(put(key_of(scope, question), answer));
  ++stored_;
  return {};
}

Freshness AnswerCache::revalidate(const AnswerScope& scope, std::string_view question,
                                  const CachedAnswer& answer, int64_t generation,
                                  const Digest& retrieved_set,
                                  const ContentHashOf& content_hash_of) {
  const CacheKey key = key_of(scope, question);
  const Freshness verdict = judge(answer, retrieved_set, content_hash_of);
  // A write that fails leaves the old entry, which is checked again the next time.
  if (verdict == Freshness::kFresh) {
    ++revalidated_;
    CachedAnswer renewed = answer;
    renewed.generation = generation;
    [[maybe_unused]] Status ignored = put(key, renewed);
  } else {
    ++stale_;
    [[maybe_unused]] Status ignored = tiers_.erase(key);
  }
  return verdict;
}

Status AnswerCache::erase(const AnswerScope& scope, std::string_view question) {
  return tiers_.erase(key_of(scope, question));
}

Status AnswerCache::clear() { return tiers_.clear(); }

AnswerCacheStats AnswerCache::stats() const {
  return {.hits = hits_,
          .misses = misses_,
          .stale = stale_,
          .revalidated = revalidated_,
          .damaged = damaged_,
          .stored = stored_};
}

}  // namespace docmind::cache
