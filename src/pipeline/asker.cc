// Asker: the whole path of a question: cache, retrieval, answer, citations, cache again.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/asker.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/file.h"
#include "monitor/trace.h"
#include "pipeline/citation_marks.h"
#include "pipeline/make_citation.h"
#include "providers/quote.h"

namespace docmind::pipeline {
namespace {

using monitor::Counter;
using monitor::Stage;

// Raised when the prompt or the way citations are made changes, so that no older answer is served.
constexpr const char* kPromptVersion = "2";

constexpr const char* kNoAnswer =
    "The indexed documents hold no passage that answers this question.";

std::string settings_of(const AskOptions& options) {
  return std::to_string(options.retrieve.top_k) + "/" +
         std::to_string(options.retrieve.lexical_depth) + "/" +
         std::to_string(options.retrieve.vector_depth) + "/" +
         std::to_string(options.retrieve.rerank_depth) + "/" +
         std::to_string(options.min_relevance) + "/" + std::to_string(options.max_sentences) + "/" +
         std::to_string(options.max_tokens);
}

std::vector<std::string> quotes_of(std::span<const providers::Evidence> evidence,
                                   std::span<const providers::Passage> passages) {
  std::vector<std::string> quotes;
  for (const providers::Evidence& span : evidence) {
    quotes.push_back(
        providers::quote_of(passages[span.passage].text.substr(span.begin, span.end - span.begin)));
  }
  return quotes;
}

Error stopped() { return Error{ErrorCode::kCancelled, "the answer was stopped"}; }

std::vector<StageTime> stage_times(const monitor::Trace& trace) {
  std::vector<StageTime> times;
  for (const monitor::StageMs& record : trace.stages()) {
    times.push_back({std::string(monitor::stage_name(record.stage)), record.ms});
  }
  return times;
}

}  // namespace

// What the cache said, and the retrieval if it had to be made to find out.
struct Asker::Lookup {
  std::optional<Answer> answer;
  std::optional<Retrieval> retrieval;
};

cache::AnswerScope Asker::scope_of(const AskOptions& options) const {
  cache::AnswerScope scope;
  scope.tenant = options.tenant;
  if (Result<std::string> id = corpus_.store().store_id(); id.ok()) scope.store_id = *id;
  scope.provider = generator_.info().identity;
  scope.embedder = corpus_.embedder_identity();
  scope.prompt_version = kPromptVersion;
  scope.settings = settings_of(options) + "/" + corpus_.reranker_identity();
  return scope;
}

Result<Asker::Lookup> Asker::look_up(std::string_view question, const AskOptions& options,
                                     monitor::Trace& trace, const CancelToken& cancel) {
  Lookup lookup;
  if (cache_ == nullptr || !options.use_cache) return lookup;
  DM_ASSIGN(const int64_t generation, corpus_.refresh());
  const cache::AnswerScope scope = scope_of(options);
  monitor::StageTimer timer(trace, Stage::kCacheLookup);
  std::optional<cache::CachedAnswer> cached = cache_->lookup(scope, question);
  if (!cached) return lookup;
  Result<Answer> answer = decode_answer(cached->payload);
  if (!answer.ok()) return lookup;
  timer.stop();
  bool revalidated = false;
  if (cache::check(*cached, generation) != cache::Freshness::kFresh) {
    // The index changed since: the answer stands only if the same passages of unchanged documents
    // would be found now.
    DM_ASSIGN(lookup.retrieval, corpus_.retrieve(question, options.retrieve, trace, cancel));
    const index::StoreReader& store = corpus_.store();
    const auto content_hash = [&](const std::string& path) -> std::optional<std::string> {
      Result<std::optional<index::DocumentRecord>> document = store.document(path);
      if (!document.ok() || !document->has_value()) return std::nullopt;
      return to_hex((*document)->content_hash);
    };
    if (cache_->revalidate(scope, question, *cached, lookup.retrieval->generation,
                           lookup.retrieval->digest, content_hash) != cache::Freshness::kFresh) {
      metrics_.add(Counter::kAnswersStale);
      return lookup;
    }
    metrics_.add(Counter::kAnswersRevalidated);
    revalidated = true;
  }
  // A cited file that changed on disk may say something else by now: the index is asked again, and
  // the new answer carries the warning.
  mark_changed(*answer);
  if (std::any_of(answer->citations.begin(), answer->citations.end(),
                  [](const Citation& citation) { return citation.changed_on_disk; })) {
    return lookup;
  }
  answer->revalidated = revalidated;
  answer->cache = cached->from_memory ? CacheState::kMemory : CacheState::kDisk;
  lookup.answer = *std::move(answer);
  return lookup;
}

Result<Answer> Asker::generate(std::string_view question, const Retrieval& retrieval,
                               const AskOptions& options, const providers::TextSink& sink,
                               monitor::Trace& trace, const CancelToken& cancel) {
  Answer answer;
  answer.provider = generator_.info().name;
  std::vector<providers::Passage> passages;
  for (const Passage& passage : retrieval.passages) {
    if (passage.relevance < options.min_relevance) continue;
    answer.passages.push_back(passage);
  }
  for (const Passage& passage : answer.passages) {
    passages.push_back({.text = passage.text,
                        .title = passage.title,
                        .heading = passage.heading,
                        .relevance = passage.relevance});
  }
  CitationMarks marks(passages.size());
  providers::GenerateResult generated;
  generated.answered = false;
  if (!passages.empty()) {
    monitor::StageTimer timer(trace, Stage::kGenerate);
    const providers::GenerateRequest request{.question = question,
                                             .passages = passages,
                                             .max_tokens = options.max_tokens,
                                             .max_sentences = options.max_sentences};
    const auto show = [&](std::string piece) {
      answer.text += piece;
      return sink(piece);
    };
    // A document's own "[2]" must not be taken for a citation. Which words are its own is known when
    // all is said, so the text is then held back until the end.
    const bool hold = generator_.quotes_documents() &&
                      std::any_of(passages.begin(), passages.end(), [](const auto& passage) {
                        return holds_mark(passage.text);
                      });
    DM_ASSIGN(generated,
              generator_.generate(
                  request,
                  [&](std::string_view piece) { return hold || show(marks.feed(piece)); }, cancel));
    if (hold && !show(marks.feed_around(generated.text, quotes_of(generated.evidence, passages)))) {
      return stopped();
    }
    if (!show(marks.finish())) return stopped();
  }
  answer.answered = generated.answered;
  if (!answer.answered) {
    answer.text = kNoAnswer;
    answer.passages = retrieval.passages;
    if (!sink(answer.text)) return stopped();
    return answer;
  }
  monitor::StageTimer cite_timer(trace, Stage::kCite);
  for (size_t i = 0; i < marks.order().size(); ++i) {
    std::vector<providers::Evidence> spans;
    for (const providers::Evidence& evidence : generated.evidence) {
      if (evidence.passage == marks.order()[i]) spans.push_back(evidence);
    }
    answer.citations.push_back(
        make_citation(static_cast<int>(i + 1), answer.passages[marks.order()[i]], spans));
  }
  return answer;
}

void Asker::keep(const Answer& answer, const Retrieval& retrieval, const AskOptions& options,
                 monitor::Trace& trace) {
  if (cache_ == nullptr || !options.use_cache) return;
  monitor::StageTimer timer(trace, Stage::kCacheStore);
  cache::CachedAnswer cached;
  cached.payload = encode_answer(answer);
  cached.retrieved_set = retrieval.digest;
  cached.generation = retrieval.generation;
  std::map<std::string, std::string> dependencies;
  for (size_t i = 0; i < retrieval.passages.size(); ++i) {
    dependencies[retrieval.passages[i].path] = retrieval.content_hashes[i];
  }
  for (auto& [path, hash] : dependencies) cached.dependencies.push_back({path, hash});
  // A cache that cannot be written costs time later, not the answer now.
  if (!cache_->store(scope_of(options), answer.question, cached).ok()) {
    metrics_.add(Counter::kCacheErrors);
  }
}

void Asker::mark_changed(Answer& answer) const {
  for (Citation& citation : answer.citations) {
    Result<std::optional<index::DocumentRecord>> document = corpus_.store().document(citation.path);
    Result<FileStamp> now = stat_regular_file(citation.path);
    citation.changed_on_disk = !now.ok() || !document.ok() || !document->has_value() ||
                               (*document)->stamp.size_bytes != now->size_bytes ||
                               (*document)->stamp.mtime_ns != now->mtime_ns;
  }
}

Result<Answer> Asker::ask(std::string_view question, const AskOptions& options,
                          const providers::TextSink& sink, const CancelToken& cancel) {
  metrics_.add(Counter::kQuestions);
  Result<Answer> answer = find_answer(question, options, sink, cancel);
  if (!answer.ok()) {
    metrics_.add(Counter::kQuestionsFailed);
    return answer;
  }
  if (!answer->answered) metrics_.add(Counter::kAnswersDeclined);
  metrics_.record(Stage::kTotalAsk, answer->total_ms);
  return answer;
}

Result<Answer> Asker::find_answer(std::string_view question, const AskOptions& options,
                                  const providers::TextSink& sink, const CancelToken& cancel) {
  const Stopwatch total;
  monitor::Trace trace(metrics_);
  DM_ASSIGN(Lookup lookup, look_up(question, options, trace, cancel));
  Answer answer;
  if (lookup.answer) {
    answer = *std::move(lookup.answer);
    metrics_.add(Counter::kAnswersCached, 1);
    if (!sink(answer.text)) return stopped();
  } else {
    if (!lookup.retrieval) {
      DM_ASSIGN(lookup.retrieval, corpus_.retrieve(question, options.retrieve, trace, cancel));
    }
    DM_ASSIGN(answer, generate(question, *lookup.retrieval, options, sink, trace, cancel));
    answer.cache = cache_ != nullptr && options.use_cache ? CacheState::kMiss : CacheState::kOff;
    answer.question = question;
    keep(answer, *lookup.retrieval, options, trace);
  }
  answer.question = question;
  if (answer.cache == CacheState::kMiss || answer.cache == CacheState::kOff) mark_changed(answer);
  answer.stages = stage_times(trace);
  answer.total_ms = total.elapsed_ms();
  return answer;
}

}  // namespace docmind::pipeline
