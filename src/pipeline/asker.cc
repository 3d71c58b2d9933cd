// Asker: the whole path of a question: cache, retrieval, answer, citations, cache again.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/asker.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/hash.h"
#include "monitor/trace.h"
#include "pipeline/answer_scope.h"
#include "pipeline/make_answer.h"

namespace docmind::pipeline {
namespace {

using monitor::Counter;
using monitor::Stage;

Error stopped() { return Error{ErrorCode::kCancelled, "the answer was stopped"}; }

// A text that is there already, as a generator would give it: some words at a time.
bool stream(std::string_view text, const providers::TextSink& sink) {
  constexpr size_t kPieceBytes = 24;
  while (!text.empty()) {
    const size_t space = text.size() > kPieceBytes ? text.find(' ', kPieceBytes) : std::string::npos;
    const size_t length = std::min(space, text.size());
    if (!sink(text.substr(0, length))) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::vector<StageTime> stage_times(const monitor::Trace& trace) {
  std::vector<StageTime> times;
  for (const monitor::StageMs& record : trace.stages()) {
    times.push_back({std::string(monitor::stage_name(record.stage)), record.ms});
  }
  return times;
}

// The part of the shorter list that the other has too.
double overlap(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  const auto n_both = std::count_if(a.begin(), a.end(), [&](int64_t id) {
    return std::find(b.begin(), b.end(), id) != b.end();
  });
  const size_t n = std::min(a.size(), b.size());
  return n == 0 ? 0 : static_cast<double>(n_both) / static_cast<double>(n);
}

// The chunks that an answer stands on: the cited ones; none cited, all that it was made from.
std::vector<int64_t> sources_of(const Answer& answer) {
  std::vector<int64_t> sources;
  for (const Passage& passage : answer.passages) {
    const bool cited = std::any_of(
        answer.citations.begin(), answer.citations.end(), [&](const Citation& citation) {
          return citation.path == passage.path && citation.heading == passage.heading &&
                 citation.start_line >= passage.start_line && citation.end_line <= passage.end_line;
        });
    if (cited || answer.citations.empty()) sources.push_back(passage.chunk_id);
  }
  if (sources.empty()) {
    for (const Passage& passage : answer.passages) sources.push_back(passage.chunk_id);
  }
  return sources;
}

std::vector<int64_t> chunk_ids(const Retrieval& retrieval) {
  std::vector<int64_t> ids;
  for (const Passage& passage : retrieval.passages) ids.push_back(passage.chunk_id);
  return ids;
}

// Ends the corpus's snapshot unless that was done.
class SnapshotGuard {
 public:
  explicit SnapshotGuard(Corpus& corpus) : corpus_(&corpus) {}
  SnapshotGuard(const SnapshotGuard&) = delete;
  SnapshotGuard& operator=(const SnapshotGuard&) = delete;
  ~SnapshotGuard() { [[maybe_unused]] const Status ignored = end(); }
  Status end() {
    Corpus* corpus = std::exchange(corpus_, nullptr);
    return corpus != nullptr ? corpus->end_snapshot() : Status();
  }

 private:
  Corpus* corpus_;
};

}  // namespace

cache::AnswerFlights::MayShare may_share(const cache::AnswerCache* cache) {
  return [cache](const cache::FlightRequest& asked, const cache::FlightRequest& running,
                 double similarity) {
    if (cache == nullptr) return false;
    cache::NearAnswer near;
    near.guards = cache::QuestionGuards::compare(asked.question, running.question);
    near.features = cache::features_of(similarity, near.guards);
    near.features.evidence_agreement = overlap(asked.evidence, running.evidence);
    return cache->decide(near) == cache::HitDecision::kServe;
  };
}

// One call of ask().
struct Asker::Request {
  std::string_view question;
  const AskOptions& options;
  const providers::TextSink& sink;
  const CancelToken& cancel;
  monitor::Trace& trace;
};

cache::AnswerScope Asker::scope_of(const AskOptions& options) const {
  return scope_of(options, generator_.info().identity);
}

cache::AnswerScope Asker::scope_of(const AskOptions& options, std::string generator_identity) const {
  ScopeParts parts;
  if (Result<std::string> id = corpus_.store().store_id(); id.ok()) parts.store_id = *std::move(id);
  parts.provider = std::move(generator_identity);
  parts.embedder = corpus_.embedder_identity();
  parts.reranker = corpus_.reranker_identity();
  return answer_scope(parts, options);
}

bool Asker::audit(double share) {
  return share > 0 && std::uniform_real_distribution<>()(random_) < share;
}

Result<Answer> Asker::ask(std::string_view question, const AskOptions& options,
                          const providers::TextSink& sink, const CancelToken& cancel) {
  const Stopwatch total;
  metrics_.add(Counter::kQuestions);
  monitor::Trace trace(metrics_);
  Result<Answer> answer = find_answer(
      {.question = question, .options = options, .sink = sink, .cancel = cancel, .trace = trace});
  if (!answer.ok()) {
    metrics_.add(Counter::kQuestionsFailed);
    return answer;
  }
  if (!answer->answered) metrics_.add(Counter::kAnswersDeclined);
  answer->question = question;
  answer->stages = stage_times(trace);
  answer->total_ms = total.elapsed_ms();
  metrics_.record(Stage::kTotalAsk, answer->total_ms);
  return answer;
}

Result<Answer> Asker::find_answer(const Request& request) {
  if (shared_.cache == nullptr || !request.options.use_cache) return find_fresh(request, nullptr);
  DM_ASSIGN(const int64_t generation, corpus_.refresh());
  const LookupParts parts{.corpus = &corpus_,
                          .cache = shared_.cache,
                          .verifier = shared_.verifier,
                          .metrics = &metrics_,
                          .audit = audit(request.options.audit_share)};
  CacheLookup lookup(parts, scope_of(request.options), request.question, request.options);
  if (!request.options.refresh) {
    std::optional<Answer> answer = lookup.repeat(generation, request.trace);
    if (!answer) answer = repeat_of_now(parts, generation, request);
    if (answer) {
      if (!stream(answer->text, request.sink)) return stopped();
      return *std::move(answer);
    }
  }
  return find_fresh(request, &lookup);
}

// While the generator works with other settings for a time, what it made with them serves as well as what it would
// make again.
std::optional<Answer> Asker::repeat_of_now(const LookupParts& parts, int64_t generation, const Request& request) const {
  std::string identity = generator_.identity_now();
  if (identity == generator_.info().identity) return std::nullopt;
  CacheLookup lookup(parts, scope_of(request.options, std::move(identity)), request.question, request.options);
  return lookup.repeat(generation, request.trace);
}

// Retrieval, what the cache makes of it, and only then an answer. `lookup` is null without a cache.
Result<Answer> Asker::find_fresh(const Request& request, CacheLookup* lookup) {
  const AskOptions& options = request.options;
  DM_TRY(corpus_.begin_snapshot());
  SnapshotGuard snapshot(corpus_);
  DM_ASSIGN(const Found found,
            corpus_.find(request.question, options.retrieve, request.trace, request.cancel));
  if (lookup != nullptr && !options.refresh) {
    DM_ASSIGN(std::optional<Answer> cached,
              lookup->with_evidence(found, request.trace, request.cancel));
    if (cached) {
      DM_TRY(snapshot.end());
      if (!stream(cached->text, request.sink)) return stopped();
      return *std::move(cached);
    }
  }
  DM_ASSIGN(const Retrieval retrieval, corpus_.rank(request.question, found, options.retrieve,
                                                    request.trace, request.cancel));
  DM_TRY(snapshot.end());
  DM_ASSIGN(Answer answer, make_or_join(request, found, retrieval, lookup));
  mark_changed_files(corpus_.store(), answer);
  return answer;
}

Result<Answer> Asker::make_or_join(const Request& request, const Found& found,
                                   const Retrieval& retrieval, CacheLookup* lookup) {
  if (lookup == nullptr || shared_.flights == nullptr || request.options.refresh) {
    return make_and_keep(request, found, retrieval, lookup, request.sink);
  }
  // Questions that saw different states of the store never share.
  const auto now = [&](const Digest& digest) {
    return FieldHasher().add(to_hex(digest)).add(found.generation).finish();
  };
  const cache::AnswerScope& scope = lookup->scope();
  const cache::FlightRequest flight{
      .key = now(cache::AnswerCache::key_of(scope, request.question)),
      .scope = now(cache::AnswerCache::near_scope_of(scope, corpus_.vector_space())),
      .question = std::string(request.question),
      .vector = found.vector,
      .evidence = chunk_ids(retrieval)};
  std::optional<Answer> own;
  DM_ASSIGN(const cache::FlightOutcome outcome,
            shared_.flights->run(flight, request.sink, request.cancel,
                                 [&](const cache::PieceSink& sink) -> Result<std::string> {
                                   DM_ASSIGN(own, make_and_keep(request, found, retrieval, lookup, sink));
                                   return encode_answer(*own);
                                 }));
  if (own) return *std::move(own);
  DM_ASSIGN(Answer answer, decode_answer(*outcome.payload));
  metrics_.add(Counter::kAnswersShared);
  answer.cache = CacheState::kShared;
  answer.cached = CachedFrom{.question = outcome.question, .similarity = outcome.similarity};
  return answer;
}

Result<Answer> Asker::make_and_keep(const Request& request, const Found& found,
                                    const Retrieval& retrieval, CacheLookup* lookup,
                                    const providers::TextSink& sink) {
  const Stopwatch making;
  bool is_first = true;
  const providers::TextSink timed_sink = [&](std::string_view piece) {
    if (is_first) metrics_.record(Stage::kFirstToken, request.trace.elapsed_ms());
    is_first = false;
    return sink(piece);
  };
  DM_ASSIGN(Answer answer, make_answer(generator_, request.question, retrieval, request.options, timed_sink,
                                       request.trace, request.cancel));
  metrics_.add(Counter::kTokensPrompt, static_cast<uint64_t>(answer.n_prompt_tokens));
  metrics_.add(Counter::kTokensGenerated, static_cast<uint64_t>(answer.n_completion_tokens));
  answer.cache = lookup != nullptr ? CacheState::kMiss : CacheState::kOff;
  if (lookup == nullptr) return answer;
  // Made with other settings than the cache was asked for: kept as what it is, and no judge of what is cached.
  if (!answer.identity.empty()) {
    keep(answer, request, found, retrieval, scope_of(request.options, answer.identity), making.elapsed_ms());
    return answer;
  }
  if (const std::optional<Candidate>& candidate = lookup->unserved()) {
    shared_.cache->observe(candidate->near, same_answer(answer, candidate->answer),
                           cache::Observation::Source::kAudit);
  }
  keep(answer, request, found, retrieval, lookup->scope(), making.elapsed_ms());
  return answer;
}

void Asker::keep(Answer& answer, const Request& request, const Found& found,
                 const Retrieval& retrieval, const cache::AnswerScope& scope, double cost_ms) {
  monitor::StageTimer timer(request.trace, Stage::kCacheStore);
  cache::CachedAnswer cached;
  cached.payload = encode_answer(answer);
  cached.sources = answer.answered ? sources_of(answer) : std::vector<int64_t>();
  cached.newest_chunk = found.newest_chunk;
  cached.negative = !answer.answered;
  cached.generation = found.generation;
  cached.cost_ms = cost_ms;
  cached.cost_tokens = answer.n_prompt_tokens + answer.n_completion_tokens;
  std::map<std::string, std::string> dependencies;
  for (size_t i = 0; i < retrieval.passages.size(); ++i) {
    dependencies[retrieval.passages[i].path] = retrieval.content_hashes[i];
  }
  for (auto& [path, hash] : dependencies) cached.dependencies.push_back({path, hash});
  const std::string space = corpus_.vector_space();
  const cache::NearQuestion question{
      .text = request.question, .vector = found.vector, .space = space};
  // A cache that cannot be written costs time later, not the answer now.
  const Result<int64_t> id = shared_.cache->store(scope, question, std::move(cached));
  if (id.ok()) {
    answer.cache_id = *id;
    return;
  }
  answer.cache_error = id.error().message;
  metrics_.add(Counter::kCacheErrors);
}

}  // namespace docmind::pipeline
