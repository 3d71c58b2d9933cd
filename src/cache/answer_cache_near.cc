// AnswerCache's near questions: candidates, the decision, what was learned of it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "cache/answer_cache.h"
#include "cache/observation_codec.h"
#include "index/vector_matrix.h"

namespace docmind::cache {
namespace {

// Where the features of an answer's last near hit lie, for the feedback that may come.
CacheKey served_key(int64_t id) { return FieldHasher().add("docmind served near 1").add(id).finish(); }

// Where the answer lies that was served for another wording. Never leaves this process.
struct NearPointer {
  CacheKey key{};
  int64_t id = 0;
  int64_t generation = 0;
  double similarity = 0;
  double agreement = 0;
};
static_assert(std::is_trivially_copyable_v<NearPointer>);

// The closest wording first, each with its lead over the best of the others.
void sort_by_closeness(std::vector<NearAnswer>& found) {
  const auto closeness_of = [](const NearAnswer& near) {
    return closeness(near.features.similarity, near.guards);
  };
  std::stable_sort(found.begin(), found.end(), [&](const NearAnswer& a, const NearAnswer& b) {
    return closeness_of(a) > closeness_of(b);
  });
  if (found.empty()) return;
  const double second = found.size() > 1 ? closeness_of(found[1]) : 0;
  found[0].features.margin = std::max(0.0, closeness_of(found[0]) - second);
}

}  // namespace

std::vector<NearAnswer> AnswerCache::near_answers(const AnswerScope& scope,
                                                  const NearQuestion& question) {
  std::vector<NearAnswer> found;
  if (near_ == nullptr || question.vector.empty()) return found;
  const Digest near_scope = near_scope_of(scope, question.space);
  const Result<std::vector<index::SketchHit>> hits =
      near_->search(near_scope, question.vector, near_options_.n_candidates + 1,
                    static_cast<float>(near_options_.floor));
  if (!hits.ok()) return found;
  const CacheKey own = key_of(scope, question.text);
  for (size_t i = 0; i < hits->size() && found.size() < near_options_.n_candidates; ++i) {
    const index::SketchHit& hit = (*hits)[i];
    const Result<std::optional<AnswerRecord>> record = directory_->find(hit.id);
    if (!record.ok()) return found;
    if (!record->has_value()) {
      near_->remove(near_scope, hit.id);
      continue;
    }
    if ((*record)->key == own || (*record)->negative) continue;
    std::optional<CachedAnswer> answer = read((*record)->key);
    // Evicted, expired, or of another record under the same key.
    if (!answer || answer->id != hit.id) {
      [[maybe_unused]] Status ignored = forget(hit.id, (*record)->key);
      continue;
    }
    NearAnswer near;
    near.key = (*record)->key;
    near.question = std::move((*record)->question);
    near.guards = QuestionGuards::compare(question.text, near.question);
    // Of rounded vectors, so a little more than 1 at times.
    near.features = features_of(std::min(1.0, static_cast<double>(hit.similarity)), near.guards);
    near.answer = *std::move(answer);
    found.push_back(std::move(near));
  }
  sort_by_closeness(found);
  return found;
}

std::optional<NearRepeat> AnswerCache::near_repeat(const AnswerScope& scope,
                                                   std::string_view question, int64_t generation) {
  if (near_ == nullptr || near_options_.max_wrong_share) return std::nullopt;
  const Result<std::optional<CacheEntry>> entry = near_repeats_.get(key_of(scope, question));
  if (!entry.ok() || !entry->has_value()) return std::nullopt;
  NearPointer pointer;
  std::memcpy(&pointer, (*entry)->value->data(), sizeof(pointer));
  if (pointer.generation != generation) return std::nullopt;
  std::optional<CachedAnswer> answer = read(pointer.key);
  // Another id: it was judged bad, replaced or made anew, and nobody compared that one.
  if (!answer || answer->id != pointer.id) return std::nullopt;
  return NearRepeat{*std::move(answer), pointer.similarity, pointer.agreement};
}

void AnswerCache::remember_near(const AnswerScope& scope, std::string_view question,
                                int64_t generation, const NearAnswer& served) {
  const NearPointer pointer{.key = served.key,
                            .id = served.answer.id,
                            .generation = generation,
                            .similarity = served.features.similarity,
                            .agreement = served.features.evidence_agreement};
  [[maybe_unused]] const Status ignored = near_repeats_.put(
      key_of(scope, question),
      make_entry(std::string(reinterpret_cast<const char*>(&pointer), sizeof(pointer)), now_()));
}

HitDecision AnswerCache::decide(const NearAnswer& candidate) const {
  if (near_options_.max_wrong_share) {
    return calibrator_.serves(candidate.features, candidate.answer.id) ? HitDecision::kServe
                                                                       : HitDecision::kMiss;
  }
  const HitFeatures& features = candidate.features;
  if (!candidate.guards.passed()) return HitDecision::kMiss;
  const bool agrees = features.evidence_agreement < 0 ||
                      features.evidence_agreement >= near_options_.min_agreement;
  if (!agrees) return HitDecision::kMiss;
  if (features.similarity >= near_options_.threshold) return HitDecision::kServe;
  return features.similarity >= near_options_.threshold - near_options_.verify_band
             ? HitDecision::kVerify
             : HitDecision::kMiss;
}

std::optional<double> AnswerCache::probability(const NearAnswer& candidate) const {
  if (!near_options_.max_wrong_share) return std::nullopt;
  return calibrator_.probability(candidate.features, candidate.answer.id);
}

void AnswerCache::note_served(const CachedAnswer& answer, const NearAnswer* near) {
  saved_ms_.fetch_add(answer.cost_ms);
  saved_tokens_ += answer.cost_tokens;
  if (directory_ == nullptr || answer.id == 0) return;
  directory_->note_hit(answer.id);
  if (near == nullptr) return;
  ++near_hits_;
  // Without it a later judgement removes the answer, but teaches nothing.
  const Result<std::string> served = encode_observation({.features = near->features});
  if (!served.ok()) return;
  [[maybe_unused]] Status ignored =
      tiers_->put(served_key(answer.id), make_entry(*served, now_()));
}

void AnswerCache::observe(const NearAnswer& candidate, bool same, Observation::Source source) {
  ++observed_;
  if (!same) ++observed_wrong_;
  const Observation observation{.entry_id = candidate.answer.id,
                                .features = candidate.features,
                                .same = same,
                                .source = source,
                                .at_unix_ms = now_()};
  // What cannot be written is known at least until the process ends.
  std::lock_guard lock(learning_);
  [[maybe_unused]] Status ignored = directory_->add_observations({&observation, 1});
  if (learned_) calibrator_.add(observation);
}

Result<int64_t> AnswerCache::store(const AnswerScope& scope, const NearQuestion& question,
                                   CachedAnswer answer) {
  if (answer.created_unix_ms == 0) answer.created_unix_ms = now_();
  const CacheKey key = key_of(scope, question.text);
  if (directory_ == nullptr) {
    DM_TRY(put(key, answer));
    ++stored_;
    return 0;
  }
  const AnswerRecord record{.key = key,
                      .scope = near_scope_of(scope, question.space),
                      .tenant = scope.tenant,
                      .question = std::string(question.text),
                      .vector = question.vector.empty() ? std::string()
                                                        : index::encode_vector(question.vector),
                      .dependencies = answer.dependencies,
                      .negative = answer.negative,
                      .created_unix_ms = answer.created_unix_ms,
                      .used_unix_ms = answer.created_unix_ms,
                      .cost_ms = answer.cost_ms,
                      .cost_tokens = answer.cost_tokens,
                      .answer_bytes = static_cast<int64_t>(answer.payload.size())};
  // The record first: an answer without one could not be found by its documents.
  DM_ASSIGN(answer.id, directory_->insert(record));
  DM_TRY(put(key, answer));
  if (!record.vector.empty()) near_->add(record.scope, answer.id, record.vector);
  ++stored_;
  return answer.id;
}

Status AnswerCache::feedback(std::string_view tenant, int64_t id, bool good) {
  const auto unknown = [&] {
    return Error{ErrorCode::kNotFound, "there is no cached answer " + std::to_string(id) +
                                           " of tenant '" + std::string(tenant) +
                                           "'; `docmind cache list` shows them"};
  };
  if (directory_ == nullptr) return unknown();
  DM_ASSIGN(const std::optional<AnswerRecord> record, directory_->find(id));
  if (!record || record->tenant != tenant) return unknown();
  if (const std::optional<TieredHit> served = tiers_->get(served_key(id))) {
    const Result<Observation> observation = decode_observation(*served->entry.value);
    if (observation.ok()) {
      NearAnswer near;
      near.features = observation->features;
      near.answer.id = id;
      observe(near, good, Observation::Source::kFeedback);
    }
    [[maybe_unused]] Status ignored = tiers_->erase(served_key(id));
  }
  if (good) return {};
  calibrator_.forget_entry(id);
  return forget(id, record->key);
}

Status AnswerCache::teach(std::span<const Observation> observations) {
  if (directory_ == nullptr) {
    return Error{ErrorCode::kUnsupported, "nothing can be learned while cache.semantic is off"};
  }
  DM_TRY(load_learned());
  std::lock_guard lock(learning_);
  DM_TRY(directory_->add_observations(observations));
  calibrator_.add(observations);
  calibrator_.fit();
  return {};
}

Status AnswerCache::load_learned() {
  std::lock_guard lock(learning_);
  if (learned_ || directory_ == nullptr) return {};
  DM_ASSIGN(const std::vector<Observation> observations, directory_->observations());
  calibrator_.add(observations);
  calibrator_.fit();
  learned_ = true;
  return {};
}

Result<CalibrationReport> AnswerCache::calibration() {
  DM_TRY(load_learned());
  return calibrator_.report();
}

}  // namespace docmind::cache
