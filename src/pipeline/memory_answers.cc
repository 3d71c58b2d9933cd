// MemoryAnswers: exact repeats of questions, answered from memory on threads that must not wait.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_answers.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "monitor/trace.h"
#include "pipeline/answer_scope.h"

namespace docmind::pipeline {
namespace {

// A decoded answer takes about twice its bytes.
int64_t charge_of(const std::shared_ptr<const std::string>& bytes) {
  constexpr int64_t kOverheadBytes = 1024;
  return 2 * static_cast<int64_t>(bytes->size()) + kOverheadBytes;
}

bool unchanged_on_disk(const std::vector<std::string>& paths, const std::vector<FileStamp>& stamps) {
  for (size_t i = 0; i < paths.size(); ++i) {
    const Result<FileStamp> now = stat_regular_file(paths[i]);
    if (!now.ok() || now->size_bytes != stamps[i].size_bytes || now->mtime_ns != stamps[i].mtime_ns) return false;
  }
  return true;
}

}  // namespace

std::optional<Answer> MemoryAnswers::find(std::string_view question, const AskOptions& options) {
  if (!options.use_cache || options.refresh) return std::nullopt;
  const Stopwatch total;
  const Result<std::shared_ptr<const StoreState>> state = watch_.state();
  if (!state.ok()) return std::nullopt;
  ScopeParts scope = (*state)->scope;
  DecodedPtr found = find_under(scope, (*state)->generation, question, options);
  if (found == nullptr && generator_ != nullptr) {
    // What it made with settings that were changed for a time serves as well while they are.
    std::string identity = generator_->identity_now();
    if (identity == scope.provider) return std::nullopt;
    scope.provider = std::move(identity);
    found = find_under(scope, (*state)->generation, question, options);
  }
  if (found == nullptr) return std::nullopt;
  cache_.note_served_from_memory(found->cached);
  metrics_.add(monitor::Counter::kQuestions);
  metrics_.add(monitor::Counter::kAnswersCached);
  if (!found->answer.answered) metrics_.add(monitor::Counter::kAnswersDeclined);
  Answer answer = found->answer;
  answer.cache = CacheState::kMemory;
  answer.cached = CachedFrom{.id = found->cached.id,
                             .question = found->answer.question,
                             .age_ms = std::max<int64_t>(0, unix_time_ms() - found->cached.created_unix_ms),
                             .saved_ms = found->cached.cost_ms,
                             .saved_tokens = found->cached.cost_tokens};
  answer.question = question;
  answer.total_ms = total.elapsed_ms();
  answer.stages = {{std::string(monitor::stage_name(monitor::Stage::kCacheLookup)), answer.total_ms}};
  metrics_.record(monitor::Stage::kCacheLookup, answer.total_ms);
  metrics_.record(monitor::Stage::kTotalAsk, answer.total_ms);
  return answer;
}

// Null unless it may be served now.
MemoryAnswers::DecodedPtr MemoryAnswers::find_under(const ScopeParts& scope, int64_t generation,
                                                    std::string_view question, const AskOptions& options) {
  const cache::CacheKey key = cache::AnswerCache::key_of(answer_scope(scope, options), question);
  const std::optional<cache::CacheEntry> entry = cache_.find_in_memory(key);
  if (!entry) return nullptr;
  DecodedPtr found = decoded(key, entry->value, generation);
  if (found == nullptr || cache::check(found->cached, generation) != cache::Freshness::kFresh) return nullptr;
  if (unchanged_on_disk(found->paths, found->stamps)) return found;
  drop(key);  // the index may know the new file by the next time
  return nullptr;
}

MemoryAnswers::DecodedPtr MemoryAnswers::decoded(const cache::CacheKey& key,
                                                 const std::shared_ptr<const std::string>& bytes,
                                                 int64_t generation) {
  Shard& shard = shard_of(key);
  {
    const std::lock_guard lock(shard.mutex);
    const auto known = shard.by_key.find(key);
    if (known != shard.by_key.end() && known->second->decoded->bytes == bytes) {
      shard.entries.splice(shard.entries.begin(), shard.entries, known->second);
      return known->second->decoded;
    }
  }
  DecodedPtr fresh = decode(bytes, generation);
  if (fresh != nullptr) keep(shard, key, fresh);
  return fresh;
}

MemoryAnswers::DecodedPtr MemoryAnswers::decode(const std::shared_ptr<const std::string>& bytes,
                                                int64_t generation) const {
  Result<cache::CachedAnswer> cached = cache::decode_cached_answer(*bytes);
  if (!cached.ok() || cache::check(*cached, generation) != cache::Freshness::kFresh) return nullptr;
  Result<Answer> answer = decode_answer(cached->payload);
  if (!answer.ok()) return nullptr;
  auto fresh = std::make_shared<Decoded>();
  fresh->bytes = bytes;
  fresh->cached = *std::move(cached);
  fresh->cached.payload.clear();
  fresh->cached.payload.shrink_to_fit();
  fresh->answer = *std::move(answer);
  for (const Citation& citation : fresh->answer.citations) {
    if (std::find(fresh->paths.begin(), fresh->paths.end(), citation.path) == fresh->paths.end()) {
      fresh->paths.push_back(citation.path);
    }
  }
  std::optional<std::vector<FileStamp>> stamps = watch_.stamps(fresh->paths, generation);
  if (!stamps) return nullptr;
  fresh->stamps = *std::move(stamps);
  return fresh;
}

void MemoryAnswers::keep(Shard& shard, const cache::CacheKey& key, DecodedPtr decoded) const {
  const int64_t charge = charge_of(decoded->bytes);
  if (charge > shard_bytes_) return;
  const std::lock_guard lock(shard.mutex);
  drop_locked(shard, key);
  shard.entries.push_front({key, std::move(decoded)});
  shard.by_key[key] = shard.entries.begin();
  shard.size_bytes += charge;
  while (shard.size_bytes > shard_bytes_) drop_locked(shard, cache::CacheKey{shard.entries.back().key});
}

void MemoryAnswers::drop(const cache::CacheKey& key) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  drop_locked(shard, key);
}

void MemoryAnswers::drop_locked(Shard& shard, const cache::CacheKey& key) {
  const auto known = shard.by_key.find(key);
  if (known == shard.by_key.end()) return;
  shard.size_bytes -= charge_of(known->second->decoded->bytes);
  shard.entries.erase(known->second);
  shard.by_key.erase(known);
}

}  // namespace docmind::pipeline
