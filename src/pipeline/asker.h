// Asker: the whole path of a question: cache, retrieval, answer, citations, cache again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/answer_cache.h"
#include "cache/answer_flights.h"
#include "monitor/metrics.h"
#include "pipeline/answer.h"
#include "pipeline/ask_options.h"
#include "pipeline/cache_lookup.h"
#include "pipeline/corpus.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// What several askers of one process have in common beside the generator; may be null.
struct SharedByAskers {
  cache::AnswerCache* cache = nullptr;             // null: every question is answered afresh
  cache::AnswerFlights* flights = nullptr;         // null: nobody waits for another's answer
  const providers::Reranker* verifier = nullptr;   // of borderline near questions
};

// Whether questions in flight may share an answer: by the rules of the cache for near ones, and the
// passages that both found.
[[nodiscard]] cache::AnswerFlights::MayShare may_share(const cache::AnswerCache* cache);

// Borrows its parts, which must outlive it. Same thread rule as Corpus; for questions at the same time
// make an asker and a corpus for each thread.
class Asker {
 public:
  Asker(Corpus& corpus, const providers::Generator& generator, const SharedByAskers& shared,
        monitor::Metrics& metrics)
      : corpus_(corpus), generator_(generator), shared_(shared), metrics_(metrics) {}

  // The text goes to `sink` as it is made, a cached one in pieces of some words. A question that the
  // documents do not cover gives an Answer with `answered` false, not an error.
  Result<Answer> ask(std::string_view question, const AskOptions& options,
                     const providers::TextSink& sink, const CancelToken& cancel);

  // The scope of a question's answers in the cache, as of the last refresh of the corpus.
  [[nodiscard]] cache::AnswerScope scope_of(const AskOptions& options) const;
  // The same of answers of another generator.
  [[nodiscard]] cache::AnswerScope scope_of(const AskOptions& options, std::string generator_identity) const;

 private:
  struct Request;
  Result<Answer> find_answer(const Request& request);
  Result<Answer> find_fresh(const Request& request, CacheLookup* lookup);
  Result<Answer> make_or_join(const Request& request, const Found& found, const Retrieval& retrieval,
                              CacheLookup* lookup);
  Result<Answer> make_and_keep(const Request& request, const Found& found,
                               const Retrieval& retrieval, CacheLookup* lookup,
                               const providers::TextSink& sink);
  void keep(Answer& answer, const Request& request, const Found& found, const Retrieval& retrieval,
            const cache::AnswerScope& scope, double cost_ms);
  std::optional<Answer> repeat_of_now(const LookupParts& parts, int64_t generation, const Request& request) const;
  bool audit(double share);

  Corpus& corpus_;
  const providers::Generator& generator_;
  const SharedByAskers shared_;
  monitor::Metrics& metrics_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace docmind::pipeline
