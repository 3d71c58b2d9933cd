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
#include "cache/computation_cache.h"
#include "index/lexical_search.h"
#include "index/store_reader.h"
#include "index/vector_index.h"
#include "monitor/trace.h"
#include "pipeline/answer.h"
#include "pipeline/hybrid_search.h"
#include "pipeline/vector_share.h"
#include "providers/provider.h"

namespace docmind::pipeline {

struct CorpusOptions {
  size_t exact_limit = 200'000;  // more vectors than this are searched through the graph
  // Of the store's vectors, where they are not the built-in lexical ones; borrowed.
  const providers::Embedder* embedder = nullptr;
  // Its probability is then the score of a passage; null: the built-in lexical one. Borrowed.
  const providers::Reranker* reranker = nullptr;
  cache::ComputationCache* computed = nullptr;  // remembers what find() found; null: nothing does. Borrowed.
  // Of several corpora of one store, which then hold its vectors once; null: this one has its own. Borrowed.
  VectorShare* vectors = nullptr;
};

struct RetrieveOptions {
  size_t top_k = 5;
  size_t lexical_depth = 100;  // length of the lexical list before fusion
  size_t vector_depth = 100;   // likewise of the vector list
  size_t rerank_depth = 40;    // best of the fused list that are reranked; 0: none
};

// What a question finds before anything is reranked: enough to judge a cached answer by.
struct Found {
  std::vector<HybridHit> hits = {};  // best first, as many as rerank_depth and top_k ask for
  std::vector<float> vector = {};  // of the question; empty while the store has no vectors
  int64_t generation = 0;       // of the store
  int64_t newest_chunk = 0;     // its largest chunk id; every later chunk has a larger one
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

  // Identity of the space of the question vectors: the embedder's, and for the built-in one the
  // training as well. Vectors of different spaces must not be compared.
  std::string vector_space() const;

  // Brings the view up to the last commit; returns the generation.
  Result<int64_t> refresh();
  // Until end_snapshot(), all calls see one state of the store, which is brought up to date first: a
  // commit in between must not mix two.
  Status begin_snapshot();
  Status end_snapshot();

  // Hybrid retrieval: BM25F and vectors, fused by reciprocal rank. An empty store is kNotFound, vectors
  // of another embedder than the one given kMismatch. Within a snapshot.
  Result<Found> find(std::string_view question, const RetrieveOptions& options,
                     monitor::Trace& trace, const CancelToken& cancel);
  // The best of them, reranked by headings and the closeness of the question's words, or by a model.
  // Within the snapshot of find().
  Result<Retrieval> rank(std::string_view question, const Found& found,
                         const RetrieveOptions& options, monitor::Trace& trace,
                         const CancelToken& cancel);
  // Both, in a snapshot of their own.
  Result<Retrieval> retrieve(std::string_view question, const RetrieveOptions& options,
                             monitor::Trace& trace, const CancelToken& cancel);

  // Vectors of questions in vector_space(), row-major [texts.size(), vector_dimension()]. kNotFound
  // while the store has no vectors.
  Status embed_questions(std::span<const std::string_view> texts, std::span<float> out,
                         const CancelToken& cancel) const;
  size_t vector_dimension() const;  // 0 while the store has no vectors

  // Inverse document frequency of a stem in the corpus; a stem that does not occur has the largest.
  double inverse_document_frequency(std::string_view stem);

 private:
  Result<Found> search(std::string_view question, const RetrieveOptions& options,
                       monitor::Trace& trace, const CancelToken& cancel);

  struct Impl;
  explicit Corpus(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::pipeline
