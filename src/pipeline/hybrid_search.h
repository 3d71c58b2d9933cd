// HybridSearch: BM25F and latent vectors, smoothed, fed back and fused into one ranking.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "index/lexical_search.h"
#include "index/smoothing.h"
#include "index/store_reader.h"
#include "index/vector_index.h"
#include "monitor/trace.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// The question as the lexical index sees it.
struct LexicalQuery {
  std::vector<index::LexicalTerm> terms;  // content words once each, then adjacent pairs as phrases
  size_t n_words = 0;                     // the words among the terms
};

// The weights were chosen on the odd queries of Cranfield and on headings of a manual as short
// queries (docs/decisions/0004-hybrid-retrieval.md).
struct HybridOptions {
  double pair_weight = 0.2;       // of two question words that stand side by side, against one word
  size_t lexical_scores = 1'000;  // chunks whose lexical score is known to smoothing
  size_t pool_depth = 200;        // of each list, for smoothing and fusion
  index::SmoothingOptions smoothing;
  double fusion_k = 60;
  size_t n_feedback = 3;          // best chunks that pull the question's vector towards them
  double feedback_mix = 0.3;
  // A question of a few words names what it looks for; smoothing, feedback and vectors gain weight
  // with its length and have it in full at this many distinct content words.
  size_t full_length = 8;
  double least_vector_weight = 0.3;
  size_t few_chunks = 50;         // below this, neighbours are too far apart to tell anything
};

struct HybridHit {
  int64_t chunk_id = 0;
  double score = 0;         // reciprocal rank fusion
  size_t lexical_rank = 0;  // from 1; 0 when not in that list
  size_t vector_rank = 0;
};

struct HybridFound {
  std::vector<HybridHit> hits;  // best first
  std::vector<float> vector;    // of the question as it was asked; empty without vectors
};

// The parts it searches with; borrowed. `vectors` may be null: then it is lexical search alone.
struct HybridParts {
  const index::StoreReader* store = nullptr;
  const index::LexicalSearcher* lexical = nullptr;
  const index::VectorIndex* vectors = nullptr;
  const providers::Embedder* embedder = nullptr;
};

// Splits a question into content words (all words, if every one is a stop word) and pairs.
[[nodiscard]] LexicalQuery make_lexical_query(std::string_view question, double pair_weight);

// Steps: the two lists; lexical scores smoothed over neighbours in vector space; reciprocal rank
// fusion; the question's vector moved towards the best chunks (Rocchio feedback) and the vector
// list made again; fusion. At most `limit` hits.
Result<HybridFound> hybrid_search(const HybridParts& parts, std::string_view question,
                                  const HybridOptions& options, size_t limit, monitor::Trace& trace,
                                  const CancelToken& cancel);

}  // namespace docmind::pipeline
