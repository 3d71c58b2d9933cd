// CacheLookup: what the answer cache has for one question, and whether that may be served.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cache_lookup.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"

namespace docmind::pipeline {
namespace {

using cache::Freshness;
using monitor::Counter;
using monitor::Stage;

// A verifier's probability from which two questions count as the same.
constexpr double kVerified = 0.5;

std::vector<int64_t> chunk_ids(const Found& found, size_t limit) {
  std::vector<int64_t> ids;
  for (size_t i = 0; i < std::min(limit, found.hits.size()); ++i) ids.push_back(found.hits[i].chunk_id);
  return ids;
}

cache::ContentHashOf content_hashes(const index::StoreReader& store) {
  return [&store](const std::string& path) -> std::optional<std::string> {
    Result<std::optional<index::DocumentRecord>> document = store.document(path);
    if (!document.ok() || !document->has_value()) return std::nullopt;
    return to_hex((*document)->content_hash);
  };
}

}  // namespace

bool mark_changed_files(const index::StoreReader& store, Answer& answer) {
  bool changed = false;
  for (Citation& citation : answer.citations) {
    Result<std::optional<index::DocumentRecord>> document = store.document(citation.path);
    Result<FileStamp> now = stat_regular_file(citation.path);
    citation.changed_on_disk = !now.ok() || !document.ok() || !document->has_value() ||
                               (*document)->stamp.size_bytes != now->size_bytes ||
                               (*document)->stamp.mtime_ns != now->mtime_ns;
    changed = changed || citation.changed_on_disk;
  }
  return changed;
}

bool same_answer(const Answer& a, const Answer& b) {
  if (a.answered != b.answered) return false;
  if (a.text == b.text) return true;
  constexpr double kHalf = 0.5;
  const auto sources = [](const Answer& answer) {
    std::set<std::pair<std::string, uint32_t>> all;
    for (const Citation& citation : answer.citations) all.insert({citation.path, citation.start_line});
    return all;
  };
  const auto of_a = sources(a);
  const auto of_b = sources(b);
  const auto n_shared = static_cast<double>(
      std::count_if(of_a.begin(), of_a.end(), [&](const auto& source) { return of_b.contains(source); }));
  const double n_all = static_cast<double>(of_a.size() + of_b.size()) - n_shared;
  if (n_all > 0 && n_shared / n_all < kHalf) return false;
  const cache::GuardVerdict words = cache::QuestionGuards::compare(a.text, b.text);
  return words.word_overlap >= kHalf && !words.has(cache::Guard::kNumbers);
}

// nullopt where a cited file changed on disk: it may say something else by now, so the index is asked
// again, and the new answer carries the warning.
std::optional<Answer> CacheLookup::serve(Answer answer, const cache::CachedAnswer& cached,
                                         const cache::NearAnswer* near, double agreement,
                                         bool checked) const {
  if (mark_changed_files(parts_.corpus->store(), answer)) return std::nullopt;
  CachedFrom from{.id = cached.id,
                  .question = answer.question,
                  .agreement = agreement,
                  .evidence_checked = checked,
                  .age_ms = std::max<int64_t>(0, unix_time_ms() - cached.created_unix_ms),
                  .saved_ms = cached.cost_ms,
                  .saved_tokens = cached.cost_tokens};
  if (near != nullptr) {
    from.similarity = near->features.similarity;
    from.probability = parts_.cache->probability(*near);
    parts_.metrics->add(Counter::kAnswersNear);
  }
  parts_.cache->note_served(cached, near);
  parts_.metrics->add(Counter::kAnswersCached);
  answer.cached = std::move(from);
  answer.cache = cached.from_memory ? CacheState::kMemory : CacheState::kDisk;
  return answer;
}

std::optional<Answer> CacheLookup::repeat(int64_t generation, monitor::Trace& trace) {
  const monitor::StageTimer timer(trace, Stage::kCacheLookup);
  std::optional<cache::CachedAnswer> cached = parts_.cache->lookup(scope_, question_);
  if (!cached) return parts_.audit ? std::nullopt : near_repeat(generation);
  if (cache::check(*cached, generation) != Freshness::kFresh) {
    old_ = std::move(cached);
    return std::nullopt;
  }
  Result<Answer> answer = decode_answer(cached->payload);
  if (!answer.ok()) return std::nullopt;
  return serve(*std::move(answer), *cached, nullptr, 1, false);
}

std::optional<Answer> CacheLookup::near_repeat(int64_t generation) {
  const std::optional<cache::NearRepeat> known =
      parts_.cache->near_repeat(scope_, question_, generation);
  if (!known) return std::nullopt;
  Result<Answer> answer = decode_answer(known->answer.payload);
  if (!answer.ok()) return std::nullopt;
  std::optional<Answer> served =
      serve(*std::move(answer), known->answer, nullptr, known->agreement, true);
  if (!served) return std::nullopt;
  parts_.metrics->add(Counter::kAnswersNear);
  served->cached->similarity = known->similarity;
  return served;
}

std::optional<Answer> CacheLookup::recheck(const Found& found, monitor::Trace& trace) {
  const monitor::StageTimer timer(trace, Stage::kCacheLookup);
  Result<Answer> answer = decode_answer(old_->payload);
  if (!answer.ok()) return std::nullopt;
  const std::vector<int64_t> ids = chunk_ids(found, found.hits.size());
  const cache::RetrievedNow now{.chunk_ids = ids, .top_k = options_.retrieve.top_k};
  const cache::ContentHashOf hashes = content_hashes(parts_.corpus->store());
  const bool may_be_stale = options_.stale_ms > 0 && !old_->negative &&
                            unix_time_ms() - old_->created_unix_ms <= options_.stale_ms;
  if (may_be_stale && cache::judge(*old_, now, hashes).freshness != Freshness::kFresh) {
    parts_.metrics->add(Counter::kAnswersStale);
    std::optional<Answer> served = serve(*std::move(answer), *old_, nullptr, 0, true);
    if (served) served->stale = true;
    return served;
  }
  const cache::EvidenceVerdict verdict = parts_.cache->revalidate(
      scope_, question_, *old_, found.generation, found.newest_chunk, now, hashes);
  if (verdict.freshness != Freshness::kFresh) {
    parts_.metrics->add(Counter::kAnswersStale);
    return std::nullopt;
  }
  parts_.metrics->add(Counter::kAnswersRevalidated);
  std::optional<Answer> served = serve(*std::move(answer), *old_, nullptr, verdict.agreement, true);
  if (served) served->revalidated = true;
  return served;
}

Result<bool> CacheLookup::verify(const Candidate& candidate, const CancelToken& cancel) const {
  if (parts_.verifier == nullptr) return false;
  const std::string text = candidate.near.question + "\n" + candidate.answer.text;
  const providers::Passage passage{.text = text};
  DM_ASSIGN(const std::vector<double> scores,
            parts_.verifier->rerank(question_, {&passage, 1}, cancel));
  return scores.front() >= kVerified;
}

Result<std::optional<Answer>> CacheLookup::near(const Found& found, monitor::Trace& trace,
                                                const CancelToken& cancel) {
  const monitor::StageTimer timer(trace, Stage::kCacheLookup);
  const std::string space = parts_.corpus->vector_space();
  std::vector<cache::NearAnswer> nears = parts_.cache->near_answers(
      scope_, {.text = question_, .vector = found.vector, .space = space});
  if (nears.empty()) return std::optional<Answer>();
  // What an answer stands on must be among the first passages of this question too.
  constexpr size_t kLeastDepth = 10;
  const std::vector<int64_t> ids =
      chunk_ids(found, std::max(kLeastDepth, 2 * options_.retrieve.top_k));
  const cache::RetrievedNow now{.chunk_ids = ids, .top_k = options_.retrieve.top_k};
  const cache::ContentHashOf hashes = content_hashes(parts_.corpus->store());
  for (cache::NearAnswer& near : nears) {
    const cache::EvidenceVerdict verdict = cache::judge(near.answer, now, hashes);
    near.features.evidence_agreement = verdict.agreement;
    Result<Answer> answer = decode_answer(near.answer.payload);
    if (!answer.ok()) continue;
    Candidate candidate{std::move(near), *std::move(answer)};
    cache::HitDecision decision = cache::HitDecision::kMiss;
    if (verdict.freshness == Freshness::kFresh) decision = parts_.cache->decide(candidate.near);
    bool verified = false;
    if (decision == cache::HitDecision::kVerify) {
      DM_ASSIGN(verified, verify(candidate, cancel));
      decision = verified ? cache::HitDecision::kServe : cache::HitDecision::kMiss;
    }
    if (decision == cache::HitDecision::kServe && !parts_.audit) {
      std::optional<Answer> served =
          serve(candidate.answer, candidate.near.answer, &candidate.near, verdict.agreement, true);
      if (served) {
        served->cached->verified = verified;
        parts_.cache->remember_near(scope_, question_, found.generation, candidate.near);
        return served;
      }
    }
    if (!unserved_ && verdict.freshness == Freshness::kFresh) unserved_ = std::move(candidate);
  }
  return std::optional<Answer>();
}

Result<std::optional<Answer>> CacheLookup::with_evidence(const Found& found, monitor::Trace& trace,
                                                         const CancelToken& cancel) {
  if (old_) {
    if (std::optional<Answer> answer = recheck(found, trace)) return answer;
  }
  return near(found, trace, cancel);
}

}  // namespace docmind::pipeline
