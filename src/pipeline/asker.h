// Asker: the whole path of a question: cache, retrieval, answer, citations, cache again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/answer_cache.h"
#include "monitor/metrics.h"
#include "pipeline/answer.h"
#include "pipeline/corpus.h"
#include "providers/provider.h"

namespace docmind::pipeline {

struct AskOptions {
  std::string tenant = "local";
  RetrieveOptions retrieve = {};
  double min_relevance = 0.51;  // below it a passage is not used; none left: no answer
  int max_sentences = 4;     // of an extracted answer
  int max_tokens = 512;      // of an answer; words of an extracted one
  bool use_cache = true;
};

// Borrows its parts, which must outlive it. Same thread rule as Corpus.
class Asker {
 public:
  // `cache` may be null: every question is then answered afresh.
  Asker(Corpus& corpus, const providers::Generator& generator, cache::AnswerCache* cache,
        monitor::Metrics& metrics)
      : corpus_(corpus), generator_(generator), cache_(cache), metrics_(metrics) {}

  // The text goes to `sink` as it is made; a cached one at once. A question that the documents do
  // not cover gives an Answer with `answered` false, not an error.
  Result<Answer> ask(std::string_view question, const AskOptions& options,
                     const providers::TextSink& sink, const CancelToken& cancel);

 private:
  struct Lookup;
  Result<Answer> find_answer(std::string_view question, const AskOptions& options,
                             const providers::TextSink& sink, const CancelToken& cancel);
  Result<Lookup> look_up(std::string_view question, const AskOptions& options,
                         monitor::Trace& trace, const CancelToken& cancel);
  Result<Answer> generate(std::string_view question, const Retrieval& retrieval,
                          const AskOptions& options, const providers::TextSink& sink,
                          monitor::Trace& trace, const CancelToken& cancel);
  void keep(const Answer& answer, const Retrieval& retrieval, const AskOptions& options,
            monitor::Trace& trace);
  cache::AnswerScope scope_of(const AskOptions& options) const;
  void mark_changed(Answer& answer) const;

  Corpus& corpus_;
  const providers::Generator& generator_;
  cache::AnswerCache* cache_;
  monitor::Metrics& metrics_;
};

}  // namespace docmind::pipeline
