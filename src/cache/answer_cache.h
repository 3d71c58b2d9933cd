// AnswerCache: answers by scope and question, the same or a near one, served only while they hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cache/answer_directory.h"
#include "cache/cached_answer.h"
#include "cache/calibrator.h"
#include "cache/memory_tier.h"
#include "cache/near_index.h"
#include "cache/question_guards.h"
#include "cache/tiered_cache.h"

namespace docmind::cache {

// All that must be equal, byte by byte, before two questions are compared at all.
struct AnswerScope {
  std::string tenant;
  std::string session;         // of a conversation whose earlier turns matter; empty: none
  std::string store_id;
  std::string provider;        // identity of the generator: model file, quantization, sampling
  std::string embedder;        // identity of the embedder
  std::string prompt_version;
  std::string language;        // asked for; empty: that of the question
  std::string settings;        // everything else that changes the answer: top_k, ...
};

// How near questions are judged.
struct NearOptions {
  bool enabled = true;
  double threshold = 0.9;        // least similarity (cosine) of a hit
  double verify_band = 0.05;     // below the threshold by up to this much a verifier decides
  double min_agreement = 0.5;    // of the evidence, see judge()
  // Calibrated: the largest share of wrong answers among hits; none: the threshold decides.
  std::optional<double> max_wrong_share;
  double confidence = 0.95;      // that the share stays below it
  size_t n_candidates = 8;
  double floor = 0.5;            // least similarity that is looked at, also to learn from
};

struct AnswerCacheOptions {
  std::string disk_path;              // of the SQLite file with the answers; empty: memory only
  std::string directory_path;         // of the one with their questions; empty: exact repeats only
  int64_t memory_bytes = 64 << 20;    // 0: no memory tier
  int64_t disk_bytes = 512 << 20;
  int64_t max_questions = 100'000;
  int64_t ttl_ms = 0;                 // age at which an answer is dropped; 0: never
  NearOptions near = {};
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
  uint64_t near_hits = 0;    // served for a question in other words
  uint64_t observed = 0;     // would-be hits whose right answer became known
  uint64_t observed_wrong = 0;
  double saved_ms = 0;
  int64_t saved_tokens = 0;
};

// A question as the near search sees it.
struct NearQuestion {
  std::string_view text;
  std::span<const float> vector;  // unit length; empty: no near search, and none for it later
  std::string_view space;         // identity of the vectors' space, the training included
};

// The answer of a question near to the one asked.
struct NearAnswer {
  CacheKey key{};
  std::string question;
  GuardVerdict guards;
  HitFeatures features;  // evidence_agreement is the caller's to set
  CachedAnswer answer;
};

enum class HitDecision { kServe, kVerify, kMiss };

// An answer that was served for this very wording before, though made for another.
struct NearRepeat {
  CachedAnswer answer;
  double similarity = 0;
  double agreement = 0;  // of the evidence, as judged then
};

// May be called from several threads at once. Typical use:
//   1. lookup(): an exact repeat; serve it if check() says kFresh.
//   2. Retrieve. An exact repeat of an older generation: serve it if revalidate() says kFresh.
//   3. near_answers(): for each, judge() the evidence, then decide(); serve the first that may be.
//   4. Make the answer, store() it, and observe() what became of the candidates.
class AnswerCache {
 public:
  // Opens or creates the files. `*repaired` gets a sentence for the user when a damaged file had to
  // be replaced, else stays empty; may be null. Fails only when a file cannot be used at all.
  static Result<std::unique_ptr<AnswerCache>> open(const AnswerCacheOptions& options,
                                                   std::string* repaired);

  // What identifies an answer: a digest of the scope and the normalised question.
  [[nodiscard]] static CacheKey key_of(const AnswerScope& scope, std::string_view question);
  // Which questions are compared with one another at all.
  [[nodiscard]] static Digest near_scope_of(const AnswerScope& scope, std::string_view space);

  // The stored answer, which may be out of date: see check(). A damaged one is erased and missed.
  [[nodiscard]] std::optional<CachedAnswer> lookup(const AnswerScope& scope,
                                                   std::string_view question);
  // The bytes of an exact repeat (see decode_cached_answer) that the memory tier has, for threads that must not wait:
  // touches no disk, but that it looks every kFollowMs whether another process changed the answers. A hit is counted;
  // who misses goes on to lookup().
  [[nodiscard]] std::optional<CacheEntry> find_in_memory(const CacheKey& key);
  static constexpr int64_t kFollowMs = 20;
  // What lies under a key, without counting.
  [[nodiscard]] std::optional<CachedAnswer> peek(const CacheKey& key) { return read(key); }
  // Decides by judge() about an answer that lookup() returned. `generation` and `now` must come from
  // one state of the store, whose newest chunk is `newest_chunk`. A fresh answer is stored again with
  // these and its old age; a stale one is erased. One that was removed or
  // replaced since is stale too.
  [[nodiscard]] EvidenceVerdict revalidate(const AnswerScope& scope, std::string_view question,
                                           const CachedAnswer& answer, int64_t generation,
                                           int64_t newest_chunk, const RetrievedNow& now,
                                           const ContentHashOf& content_hash_of);

  // Answers to other questions of the scope with a similarity of at least NearOptions::floor, the
  // closest wording first; negative ones are left out. Empty where near search is off. Errors mean an empty list.
  [[nodiscard]] std::vector<NearAnswer> near_answers(const AnswerScope& scope,
                                                     const NearQuestion& question);
  // A near answer that was served for this wording in this very generation of the store, so that nothing
  // need be judged again. Known to this process only, and not in the calibrated mode, which learns from
  // every hit.
  [[nodiscard]] std::optional<NearRepeat> near_repeat(const AnswerScope& scope,
                                                      std::string_view question, int64_t generation);
  void remember_near(const AnswerScope& scope, std::string_view question, int64_t generation,
                     const NearAnswer& served);
  // Whether a candidate may be served, its evidence being judged fresh.
  [[nodiscard]] HitDecision decide(const NearAnswer& candidate) const;
  // That the candidate is right, 0..1, as learned; nullopt where the threshold alone decides.
  [[nodiscard]] std::optional<double> probability(const NearAnswer& candidate) const;

  // Counts a served answer; `near` is the candidate, null for an exact repeat and a near one.
  void note_served(const CachedAnswer& answer, const NearAnswer* near);
  // Likewise of an answer of find_in_memory(); writes nothing.
  void note_served_from_memory(const CachedAnswer& answer);
  // What a would-be hit turned out to be.
  void observe(const NearAnswer& candidate, bool same, Observation::Source source);

  // An error means only that it was not kept everywhere. Returns its id, 0 where near search is off.
  [[nodiscard]] Result<int64_t> store(const AnswerScope& scope, const NearQuestion& question,
                                      CachedAnswer answer);
  // Forgets one answer, for example because a person said that it is wrong.
  [[nodiscard]] Status erase(const AnswerScope& scope, std::string_view question) {
    return erase(key_of(scope, question));
  }
  [[nodiscard]] Status erase(const CacheKey& key);
  // A person's judgement of the answer `id`: a bad one is forgotten, and both teach the calibrated mode
  // if it was last served for another question. kNotFound when there is no such answer of `tenant`.
  [[nodiscard]] Status feedback(std::string_view tenant, int64_t id, bool good);
  // Returns how many answers went.
  [[nodiscard]] Result<int64_t> invalidate(const AnswerFilter& filter);
  [[nodiscard]] Status clear();

  // Labelled pairs teach the calibrated mode; kept across restarts.
  [[nodiscard]] Status teach(std::span<const Observation> observations);
  [[nodiscard]] Result<CalibrationReport> calibration();

  // Null where near search is off.
  [[nodiscard]] AnswerDirectory* directory() { return directory_.get(); }
  [[nodiscard]] const NearOptions& near_options() const { return near_options_; }
  [[nodiscard]] Status set_limits(int64_t memory_bytes, int64_t disk_bytes);
  [[nodiscard]] AnswerCacheStats stats() const;
  // Fastest tier first.
  [[nodiscard]] std::vector<TierStats> tier_stats() const { return tiers_->stats(); }

 private:
  AnswerCache(const AnswerCacheOptions& options, std::unique_ptr<TieredCache> tiers,
              std::unique_ptr<AnswerDirectory> directory);
  Status put(const CacheKey& key, const CachedAnswer& answer);
  std::optional<CachedAnswer> read(const CacheKey& key);
  bool is_recorded(const CacheKey& key, int64_t id);
  void follow_other_processes();
  Status load_learned();
  Status forget(int64_t id, const CacheKey& key);

  const int64_t ttl_ms_;
  const bool has_memory_;
  const NearOptions near_options_;
  const WallClock now_;
  std::unique_ptr<TieredCache> tiers_;
  std::unique_ptr<AnswerDirectory> directory_;
  std::unique_ptr<NearIndex> near_;
  MemoryTier near_repeats_;
  Calibrator calibrator_;
  std::mutex learning_;
  std::atomic<bool> learned_{false};  // the calibrator holds what the directory knows
  std::atomic<int64_t> version_{-1};  // of the directory, as last seen
  std::atomic<int64_t> followed_ms_{0};  // when find_in_memory() last looked; steady
  std::atomic<uint64_t> hits_{0}, misses_{0}, stale_{0}, revalidated_{0}, damaged_{0}, stored_{0};
  std::atomic<uint64_t> near_hits_{0}, observed_{0}, observed_wrong_{0};
  std::atomic<double> saved_ms_{0};
  std::atomic<int64_t> saved_tokens_{0};
};

}  // namespace docmind::cache
