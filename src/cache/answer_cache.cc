// AnswerCache: answers by scope and question, the same or a near one, served only while they hold.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_cache.h"

#include <chrono>
#include <limits>
#include <utility>

#include "cache/disk_tier.h"
#include "cache/normalise_question.h"

namespace docmind::cache {
namespace {

// Raised whenever what goes into the key changes, so that old entries are never found again.
constexpr std::string_view kAnswerKeyVersion = "docmind answer key 2";

void add_scope(FieldHasher& hasher, const AnswerScope& scope) {
  hasher.add(kAnswerKeyVersion)
      .add(scope.tenant)
      .add(scope.session)
      .add(scope.store_id)
      .add(scope.provider)
      .add(scope.embedder)
      .add(scope.prompt_version)
      .add(scope.language)
      .add(scope.settings);
}

CalibratorOptions calibrator_options(const NearOptions& near) {
  CalibratorOptions options;
  if (near.max_wrong_share) options.max_wrong_share = *near.max_wrong_share;
  options.confidence = near.confidence;
  return options;
}

void add_warning(std::string* repaired, std::string warning) {
  if (repaired == nullptr || warning.empty()) return;
  if (!repaired->empty()) *repaired += "; ";
  *repaired += warning;
}

}  // namespace

AnswerCache::AnswerCache(const AnswerCacheOptions& options, std::unique_ptr<TieredCache> tiers,
                         std::unique_ptr<AnswerDirectory> directory)
    : ttl_ms_(options.ttl_ms),
      has_memory_(options.memory_bytes > 0),
      near_options_(options.near),
      now_(options.now),
      tiers_(std::move(tiers)),
      directory_(std::move(directory)),
      near_repeats_({.limit_bytes = 4 << 20, .n_shards = 4, .now = options.now}),
      calibrator_(calibrator_options(options.near)) {
  constexpr size_t kLoadedScopes = 16;
  if (directory_ != nullptr) near_ = std::make_unique<NearIndex>(*directory_, kLoadedScopes);
}

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
    add_warning(repaired, disk->take_warning());
    tiers.push_back(std::move(disk));
  }
  std::unique_ptr<AnswerDirectory> directory;
  if (options.near.enabled && !options.directory_path.empty()) {
    DM_ASSIGN(directory, AnswerDirectory::open({.path = options.directory_path,
                                                .max_records = options.max_questions,
                                                .now = options.now}));
    add_warning(repaired, directory->take_warning());
  }
  auto cache = std::unique_ptr<AnswerCache>(new AnswerCache(
      options, std::make_unique<TieredCache>(std::move(tiers)), std::move(directory)));
  // What others change from now on is seen, although this cache may store before it looks up.
  cache->follow_other_processes();
  // With a fixed threshold nothing that was learned is needed to serve.
  if (options.near.max_wrong_share) DM_TRY(cache->load_learned());
  return cache;
}

CacheKey AnswerCache::key_of(const AnswerScope& scope, std::string_view question) {
  FieldHasher hasher;
  add_scope(hasher, scope);
  return hasher.add(normalise_question(question)).finish();
}

Digest AnswerCache::near_scope_of(const AnswerScope& scope, std::string_view space) {
  FieldHasher hasher;
  add_scope(hasher, scope);
  return hasher.add("near").add(space).finish();
}

// What another process erased or judged must not be served from this one's memory.
void AnswerCache::follow_other_processes() {
  if (directory_ == nullptr) return;
  const Result<int64_t> version = directory_->foreign_version();
  if (!version.ok()) return;
  const int64_t before = version_.exchange(*version);
  if (before == *version || before < 0) return;
  tiers_->drop_faster_tiers();
  near_->reset();
}

std::optional<CachedAnswer> AnswerCache::read(const CacheKey& key) {
  std::optional<TieredHit> hit = tiers_->get(key);
  if (!hit) return std::nullopt;
  Result<CachedAnswer> answer = decode_cached_answer(*hit->entry.value);
  if (!answer.ok()) {
    ++damaged_;
    // Should it fail, the next lookup finds the same bytes and says the same.
    [[maybe_unused]] Status ignored = tiers_->erase(key);
    return std::nullopt;
  }
  answer->from_memory = has_memory_ && hit->tier == 0;
  return *std::move(answer);
}

std::optional<CachedAnswer> AnswerCache::lookup(const AnswerScope& scope,
                                                std::string_view question) {
  follow_other_processes();
  const CacheKey key = key_of(scope, question);
  std::optional<CachedAnswer> answer = read(key);
  // What this process has in memory had its record when it came there.
  if (answer && !answer->from_memory && !is_recorded(key, answer->id)) {
    [[maybe_unused]] Status ignored = tiers_->erase(key);
    answer.reset();
  }
  ++(answer ? hits_ : misses_);
  return answer;
}

std::optional<CacheEntry> AnswerCache::find_in_memory(const CacheKey& key) {
  if (!has_memory_) return std::nullopt;
  const int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::steady_clock::now().time_since_epoch())
                             .count();
  int64_t followed_ms = followed_ms_.load(std::memory_order_relaxed);
  const bool due = now_ms - followed_ms >= kFollowMs;
  if (due && followed_ms_.compare_exchange_strong(followed_ms, now_ms)) follow_other_processes();
  std::optional<CacheEntry> entry = tiers_->get_fastest(key);
  if (entry) ++hits_;
  return entry;
}

void AnswerCache::note_served_from_memory(const CachedAnswer& answer) {
  saved_ms_.fetch_add(answer.cost_ms);
  saved_tokens_ += answer.cost_tokens;
  if (directory_ != nullptr && answer.id != 0) directory_->note_hit(answer.id, false);
}

// The directory decides what is there: an answer that it let go could not be invalidated any more, and
// one that somebody removed may be written again by who was about to renew it.
bool AnswerCache::is_recorded(const CacheKey& key, int64_t id) {
  if (directory_ == nullptr) return true;
  const Result<std::optional<AnswerRecord>> record = directory_->find(id);
  return record.ok() && record->has_value() && (*record)->key == key;
}

Status AnswerCache::put(const CacheKey& key, const CachedAnswer& answer) {
  DM_ASSIGN(std::string bytes, encode_cached_answer(answer));
  int64_t expires_unix_ms = 0;
  if (ttl_ms_ > 0 && answer.created_unix_ms <= std::numeric_limits<int64_t>::max() - ttl_ms_) {
    expires_unix_ms = answer.created_unix_ms + ttl_ms_;
  }
  return tiers_->put(
      key, make_entry(std::move(bytes), answer.created_unix_ms, expires_unix_ms, answer.cost_ms));
}

EvidenceVerdict AnswerCache::revalidate(const AnswerScope& scope, std::string_view question,
                                        const CachedAnswer& answer, int64_t generation,
                                        int64_t newest_chunk, const RetrievedNow& now,
                                        const ContentHashOf& content_hash_of) {
  const CacheKey key = key_of(scope, question);
  if (!is_recorded(key, answer.id)) {
    ++stale_;
    return {.reason = "it was removed or replaced meanwhile"};
  }
  EvidenceVerdict verdict = judge(answer, now, content_hash_of);
  // A write that fails leaves the old entry, which is checked again the next time.
  if (verdict.freshness == Freshness::kFresh) {
    ++revalidated_;
    CachedAnswer renewed = answer;
    renewed.generation = generation;
    renewed.newest_chunk = newest_chunk;
    [[maybe_unused]] Status ignored = put(key, renewed);
  } else {
    ++stale_;
    [[maybe_unused]] Status ignored = forget(answer.id, key);
  }
  return verdict;
}

Status AnswerCache::forget(int64_t id, const CacheKey& key) {
  Status erased = tiers_->erase(key);
  if (directory_ == nullptr || id == 0) return erased;
  DM_ASSIGN(const std::optional<AnswerRecord> record, directory_->find(id));
  if (record) {
    near_->remove(record->scope, id);
    DM_TRY(directory_->erase(id));
  }
  return erased;
}

Status AnswerCache::erase(const CacheKey& key) {
  Status erased = tiers_->erase(key);
  if (directory_ == nullptr) return erased;
  // By its key: the id in this process's memory may be that of an answer that was replaced.
  DM_ASSIGN(const std::optional<AnswerRecord> record, directory_->find(key));
  if (record) DM_TRY(forget(record->id, key));
  return erased;
}

Result<int64_t> AnswerCache::invalidate(const AnswerFilter& filter) {
  if (directory_ == nullptr) {
    return Error{ErrorCode::kUnsupported,
                 "answers can be chosen only while near questions are looked for; switch on "
                 "cache.semantic, or clear the whole cache"};
  }
  DM_ASSIGN(const std::vector<CacheKey> keys, directory_->invalidate(filter));
  near_->reset();
  // Answers whose records had to make room would be meant too; on disk lookup() leaves them out.
  tiers_->drop_faster_tiers();
  Status first;
  for (const CacheKey& key : keys) {
    Status erased = tiers_->erase(key);
    if (!erased.ok() && first.ok()) first = std::move(erased);
  }
  DM_TRY(std::move(first));
  return static_cast<int64_t>(keys.size());
}

Status AnswerCache::clear() {
  Status cleared = tiers_->clear();
  if (directory_ != nullptr) {
    DM_TRY(directory_->clear());
    near_->reset();
  }
  return cleared;
}

Status AnswerCache::set_limits(int64_t memory_bytes, int64_t disk_bytes) {
  if (has_memory_) return tiers_->set_limits(std::array{memory_bytes, disk_bytes});
  return tiers_->set_limits(std::array{disk_bytes});
}

AnswerCacheStats AnswerCache::stats() const {
  return {.hits = hits_,
          .misses = misses_,
          .stale = stale_,
          .revalidated = revalidated_,
          .damaged = damaged_,
          .stored = stored_,
          .near_hits = near_hits_,
          .observed = observed_,
          .observed_wrong = observed_wrong_,
          .saved_ms = saved_ms_,
          .saved_tokens = saved_tokens_};
}

}  // namespace docmind::cache
