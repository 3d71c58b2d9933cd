// Corpus: an indexed store opened for questions; hybrid retrieval over it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/words.h"
#include "index/lexical_search.h"
#include "index/store_reader.h"
#include "index/vector_index.h"
#include "monitor/trace.h"
#include "pipeline/answer.h"
#include "providers/provider.h"

namespace docmind::pipeline {

struct CorpusOptions {
  size_t exact_limit = 200'000;  // more vectors than this are searched through the graph
  // Of the store's vectors, where they are not the built-in lexical ones; borrowed.
  const providers::Embedder* embedder = nullptr;
  // Its probability is then the score of a passage; null: the built-in lexical one. Borrowed.
  const providers::Reranker* reranker = nullptr;
};

struct RetrieveOptions {
  size_t top_k = 5;
  size_t lexical_depth = 100;  // length of the lexical list before fusion
  size_t vector_depth = 100;   // likewise of the vector list
  size_t rerank_depth = 40;    // best of the fused list that are reranked; 0: none
};

// What a question found, with what is needed to explain it and to bind a cached answer to it.
struct Retrieval {
  struct Origin {            // per passage: its rank in each list from 1, 0 when not in it
    size_t lexical_rank = 0;
    size_t vector_rank = 0;
  };
  std::vector<Passage> passages;         // best first; `relevance` is filled in
  std::vector<Origin> origins;           // [passages]
  std::vector<std::string> content_hashes;  // [passages], hex, of the passage's document
  Digest digest{};                       // of paths, spans and texts, in order
  int64_t generation = 0;                // of the store when retrieved
  std::string vector_kind;               // "exact", "hnsw" or "none"
};

// Uses one connection: one thread at a time. Sees new commits at the next call.
class Corpus {
 public:
  static Result<Corpus> open(const std::string& folder, const CorpusOptions& options);
  Corpus(Corpus&&) noexcept;
  Corpus& operator=(Corpus&&) noexcept;
  ~Corpus();

  const index::StoreReader& store() const;
  // Identity of the embedder that made the vectors; empty while there are none.
  std::string embedder_identity() const;
  // Identity of CorpusOptions::reranker; empty without one.
  std::string reranker_identity() const;

  // Brings the view up to the last commit; returns the generation.
  Result<int64_t> refresh();

  // Hybrid retrieval: BM25F and vectors, fused by reciprocal rank, then reranked by headings and
  // the closeness of the question's words, or by a model. An empty store is kNotFound, vectors of
  // another embedder than the one given kMismatch.
  Result<Retrieval> retrieve(std::string_view question, const RetrieveOptions& options,
                             monitor::Trace& trace, const CancelToken& cancel);

  // Inverse document frequency of a stem in the corpus; a stem that does not occur has the largest.
  double inverse_document_frequency(std::string_view stem);

 private:
  struct Impl;
  explicit Corpus(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::pipeline
