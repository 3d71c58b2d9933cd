// LexicalReranker: judges passages by their headings and by how close together the question's words
// stand in them; needs no model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "providers/provider.h"
#include "providers/relevance.h"

namespace docmind::providers {

// What each sign of a good passage counts. Chosen on questions over two manuals and on the odd
// queries of Cranfield (docs/decisions/0004-hybrid-retrieval.md).
struct LexicalRerankWeights {
  double heading = 0.4;    // the passage opens a section whose heading names what is asked for
  double title = 0.2;      // the document's title does
  double closeness = 0.6;  // the largest share of the question within one window of words
};

// Scores from 0 to the sum of the weights. Linear in the passages' length.
class LexicalReranker final : public Reranker {
 public:
  explicit LexicalReranker(IdfFunction idf, LexicalRerankWeights weights = {})
      : idf_(std::move(idf)), weights_(weights) {}

  [[nodiscard]] ProviderInfo info() const override { return {"lexical", "lexical-rerank/1"}; }

  // kCancelled when `cancel` is raised.
  [[nodiscard]] Result<std::vector<double>> rerank(std::string_view question,
                                                   std::span<const Passage> passages,
                                                   const CancelToken& cancel) const override;

 private:
  IdfFunction idf_;
  LexicalRerankWeights weights_;
};

}  // namespace docmind::providers
