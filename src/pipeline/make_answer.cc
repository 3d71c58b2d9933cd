// make_answer: from retrieved passages to a cited answer.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/make_answer.h"

#include <algorithm>
#include <vector>

#include "pipeline/citation_marks.h"
#include "pipeline/make_citation.h"
#include "providers/quote.h"

namespace docmind::pipeline {
namespace {

using monitor::Stage;

constexpr const char* kNoAnswer =
    "The indexed documents hold no passage that answers this question.";

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

}  // namespace

Result<Answer> make_answer(const providers::Generator& generator, std::string_view question,
                           const Retrieval& retrieval, const AskOptions& options,
                           const providers::TextSink& sink, monitor::Trace& trace,
                           const CancelToken& cancel) {
  Answer answer;
  answer.question = question;
  const providers::ProviderInfo maker = generator.info();
  answer.provider = maker.name;
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
                                             .max_sentences = options.max_sentences,
                                             .language = options.language};
    const auto show = [&](std::string piece) {
      answer.text += piece;
      return sink(piece);
    };
    // A document's own "[2]" must not be taken for a citation. Which words are its own is known when
    // all is said, so the text is then held back until the end.
    const bool hold = generator.quotes_documents() &&
                      std::any_of(passages.begin(), passages.end(), [](const auto& passage) {
                        return holds_mark(passage.text);
                      });
    DM_ASSIGN(generated,
              generator.generate(
                  request,
                  [&](std::string_view piece) { return hold || show(marks.feed(piece)); }, cancel));
    if (hold && !show(marks.feed_around(generated.text, quotes_of(generated.evidence, passages)))) {
      return stopped();
    }
    if (!show(marks.finish())) return stopped();
  }
  answer.answered = generated.answered;
  if (generated.identity != maker.identity) answer.identity = generated.identity;
  answer.route = generated.route;
  if (!generated.provider.empty()) answer.provider = generated.provider;
  answer.n_prompt_tokens = generated.n_prompt_tokens;
  answer.n_completion_tokens = generated.n_completion_tokens;
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

}  // namespace docmind::pipeline
