// CacheLookup: what the answer cache has for one question, and whether that may be served.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/answer_cache.h"
#include "monitor/trace.h"
#include "pipeline/answer.h"
#include "pipeline/ask_options.h"
#include "pipeline/corpus.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// The parts it uses; borrowed.
struct LookupParts {
  Corpus* corpus = nullptr;
  cache::AnswerCache* cache = nullptr;
  const providers::Reranker* verifier = nullptr;  // of borderline near questions; null: none is served
  monitor::Metrics* metrics = nullptr;
  bool audit = false;  // serve no near answer, to find out whether it would have been right
};

// A cached answer to a question near to the one asked.
struct Candidate {
  cache::NearAnswer near;
  Answer answer;
};

// One question's way through the cache, its members called in this order. Thread rule of Corpus.
class CacheLookup {
 public:
  // `question` and `options` are borrowed.
  CacheLookup(const LookupParts& parts, cache::AnswerScope scope, std::string_view question,
              const AskOptions& options)
      : parts_(parts), scope_(std::move(scope)), question_(question), options_(options) {}

  // An exact repeat while the store is still in that `generation`, or a wording that a near answer was
  // served for in it; needs no retrieval.
  std::optional<Answer> repeat(int64_t generation, monitor::Trace& trace);
  // After retrieval, within its snapshot: an exact repeat that still holds, or the answer of a near
  // question.
  Result<std::optional<Answer>> with_evidence(const Found& found, monitor::Trace& trace,
                                              const CancelToken& cancel);

  // The best near answer whose documents are unchanged, where none was served: what is answered afresh
  // tells whether it would have been right.
  const std::optional<Candidate>& unserved() const { return unserved_; }
  const cache::AnswerScope& scope() const { return scope_; }

 private:
  std::optional<Answer> recheck(const Found& found, monitor::Trace& trace);
  Result<std::optional<Answer>> near(const Found& found, monitor::Trace& trace,
                                     const CancelToken& cancel);
  Result<bool> verify(const Candidate& candidate, const CancelToken& cancel) const;
  std::optional<Answer> near_repeat(int64_t generation);
  std::optional<Answer> serve(Answer answer, const cache::CachedAnswer& cached,
                              const cache::NearAnswer* near, double agreement, bool checked) const;

  const LookupParts parts_;
  const cache::AnswerScope scope_;
  const std::string_view question_;
  const AskOptions& options_;
  std::optional<cache::CachedAnswer> old_;  // an exact repeat of another generation
  std::optional<Candidate> unserved_;
};

// Marks citations of files that are not what was indexed any more; returns whether there are any.
bool mark_changed_files(const index::StoreReader& store, Answer& answer);

// Whether two answers to the same question say the same, as far as words and sources tell.
[[nodiscard]] bool same_answer(const Answer& a, const Answer& b);

}  // namespace docmind::pipeline
