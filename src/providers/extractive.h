// ExtractiveGenerator: answers with the passages' own sentences; needs no model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "providers/provider.h"
#include "providers/quote.h"
#include "providers/relevance.h"

namespace docmind::providers {

struct ExtractiveOptions {
  double min_support = 0.5;  // share of the question that a sentence and its headings must cover
};

// The answer is made of whole sentences, the best passage first, each passage's part followed by
// its mark "[n]"; a sentence that introduces a list or code brings its first lines along. Every
// evidence span's quote_of() is found in quote_of(answer). The same request gives the same answer.
//
// Text of documents may itself hold "[3]": renumber marks by the evidence, not by searching.
class ExtractiveGenerator final : public Generator {
 public:
  explicit ExtractiveGenerator(IdfFunction idf, ExtractiveOptions options = {})
      : idf_(std::move(idf)), options_(options) {}

  [[nodiscard]] ProviderInfo info() const override { return {"extractive", "extractive/1"}; }

  // When no sentence covers enough of the question: answered = false, "no_answer", no text. At
  // most max_sentences sentences, besides the lists and code they introduce, and max_tokens words
  // in all, marks not counted; a single sentence beyond that is cut
  // ("length"). kCancelled when the sink returns false or `cancel` is raised; kInvalidArgument for
  // limits below 1.
  [[nodiscard]] Result<GenerateResult> generate(const GenerateRequest& request,
                                                const TextSink& sink,
                                                const CancelToken& cancel) const override;

 private:
  IdfFunction idf_;
  ExtractiveOptions options_;
};

}  // namespace docmind::providers
