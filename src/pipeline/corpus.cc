// Corpus: an indexed store opened for questions; hybrid retrieval over it.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/corpus.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/clock.h"
#include "base/hash.h"
#include "pipeline/embedder_stage.h"
#include "pipeline/found_codec.h"
#include "pipeline/hybrid_search.h"
#include "pipeline/lexical_terms.h"
#include "providers/lexical_reranker.h"
#include "providers/lexical_weights.h"
#include "providers/relevance.h"

namespace docmind::pipeline {
namespace {

// A chunk on its way to becoming a passage.
struct Ranked {
  index::StoredChunk chunk;
  HybridHit hit;
  double score = 0;
};

}  // namespace

struct Corpus::Impl {
  Impl(index::StoreReader of, index::LexicalSearcher searcher, const CorpusOptions& corpus_options)
      : store(std::move(of)), lexical(std::move(searcher)), options(corpus_options) {}

  index::StoreReader store;
  index::LexicalSearcher lexical;
  CorpusOptions options;

  // Of the generation below; rebuilt when the store has moved on.
  int64_t generation = -1;
  int64_t n_chunks = 0;
  int64_t newest_chunk = 0;
  std::string training_id;  // of the lexical embedder; empty for a model
  std::optional<index::EmbedderRecord> embedder_record;
  std::unique_ptr<StoredTerms> terms;
  std::unique_ptr<providers::LexicalEmbedder> lexical_embedder;
  const providers::Embedder* embedder = nullptr;  // that one or the options'
  VectorShare::Index vectors;
  std::unordered_map<std::string, double> idf;  // stems asked for so far

  Status reload(int64_t new_generation);
  Status open_lexical_embedder();
  Result<std::unique_ptr<index::VectorIndex>> open_vectors(int64_t new_generation) const;
  Result<VectorShare::Index> get_vectors(int64_t new_generation) const;
  Result<std::vector<Ranked>> rank(std::string_view question, std::span<const HybridHit> hits,
                                   const RetrieveOptions& wanted, monitor::Trace& trace,
                                   const CancelToken& cancel);
  Status rerank(std::string_view question, std::span<Ranked> ranked, size_t n_reranked,
                const CancelToken& cancel);
  Result<Retrieval> collect(std::string_view question, std::vector<Ranked> ranked);
  double idf_of(std::string_view stem);
};

// A graph of this very generation if there is one and the store is large, else a scan.
Result<std::unique_ptr<index::VectorIndex>> Corpus::Impl::open_vectors(int64_t new_generation) const {
  DM_ASSIGN(const index::StoreCounts counts, store.counts());
  if (counts.n_vectors > static_cast<int64_t>(options.exact_limit)) {
    Result<std::unique_ptr<index::VectorIndex>> graph =
        index::load_hnsw_index(index::graph_path(store.folder()), new_generation,
                               static_cast<size_t>(embedder_record->dimension), {});
    if (graph.ok()) return graph;
  }
  DM_ASSIGN(index::VectorMatrix matrix, store.load_vectors());
  return index::make_exact_index(std::move(matrix));
}

Result<VectorShare::Index> Corpus::Impl::get_vectors(int64_t new_generation) const {
  if (options.vectors != nullptr) {
    return options.vectors->get(new_generation, [&] { return open_vectors(new_generation); });
  }
  DM_ASSIGN(VectorShare::Index own, open_vectors(new_generation));
  return own;
}

// The one that was trained on this store; none while nothing was.
Status Corpus::Impl::open_lexical_embedder() {
  DM_ASSIGN(const std::optional<LexicalState> state, read_lexical_state(store));
  if (!state) {
    return Error{ErrorCode::kMismatch,
                 "this store was indexed with the embedder '" + embedder_record->identity +
                     "'; name its model with --embedder or embedder.path, or make the built-in "
                     "vectors: docmind index --reembed"};
  }
  DM_TRY(index::check_embedder(
      embedder_record, embedder_record_of(providers::LexicalEmbedder::info_of(state->parameters))));
  training_id = state->training_id;
  DM_ASSIGN(terms, StoredTerms::open(store, *state));
  lexical_embedder = std::make_unique<providers::LexicalEmbedder>(*terms);
  embedder = lexical_embedder.get();
  return {};
}

Status Corpus::Impl::reload(int64_t new_generation) {
  generation = -1;
  idf.clear();
  vectors.reset();
  embedder = nullptr;
  lexical_embedder.reset();
  terms.reset();
  training_id.clear();
  DM_ASSIGN(n_chunks, store.db().query_int("SELECT count(*) FROM chunks"));
  DM_ASSIGN(newest_chunk, store.db().query_int("SELECT coalesce(max(id), 0) FROM chunks"));
  DM_ASSIGN(embedder_record, store.embedder());
  if (embedder_record) {
    if (options.embedder != nullptr) {
      DM_TRY(index::check_embedder(embedder_record, embedder_record_of(options.embedder->info())));
      embedder = options.embedder;
    } else {
      DM_TRY(open_lexical_embedder());
    }
    DM_ASSIGN(vectors, get_vectors(new_generation));
  }
  generation = new_generation;
  return {};
}

double Corpus::Impl::idf_of(std::string_view stem) {
  const auto known = idf.find(std::string(stem));
  if (known != idf.end()) return known->second;
  const Result<int64_t> frequency = lexical.document_frequency(stem);
  const double value = providers::inverse_document_frequency(
      static_cast<uint32_t>(frequency.ok() ? *frequency : 0), static_cast<size_t>(n_chunks));
  idf.emplace(stem, value);
  return value;
}

Result<std::vector<Ranked>> Corpus::Impl::rank(std::string_view question,
                                               std::span<const HybridHit> hits,
                                               const RetrieveOptions& wanted,
                                               monitor::Trace& trace, const CancelToken& cancel) {
  std::vector<int64_t> ids;
  for (const HybridHit& hit : hits) ids.push_back(hit.chunk_id);
  DM_ASSIGN(std::vector<index::StoredChunk> chunks, store.chunks(ids));
  std::unordered_map<int64_t, HybridHit> hit_of;
  for (const HybridHit& hit : hits) hit_of[hit.chunk_id] = hit;
  std::vector<Ranked> ranked;
  for (index::StoredChunk& chunk : chunks) {
    const HybridHit& hit = hit_of[chunk.id];
    ranked.push_back({std::move(chunk), hit, hit.score});
  }
  if (wanted.rerank_depth > 0) {
    monitor::StageTimer timer(trace, monitor::Stage::kRerank);
    DM_TRY(rerank(question, ranked, std::min(ranked.size(), wanted.rerank_depth), cancel));
  }
  if (ranked.size() > wanted.top_k) ranked.resize(wanted.top_k);
  return ranked;
}

// By the lexical reranker a good passage gains on the fused score, and what the fusion says is never
// thrown away. A model's probability is the score itself; the passages that it did not see follow.
Status Corpus::Impl::rerank(std::string_view question, std::span<Ranked> ranked, size_t n_reranked,
                            const CancelToken& cancel) {
  std::vector<providers::Passage> passages;
  for (const Ranked& entry : ranked.first(n_reranked)) {
    passages.push_back(
        {.text = entry.chunk.text, .title = entry.chunk.title, .heading = entry.chunk.heading});
  }
  const providers::LexicalReranker lexical_reranker(
      [this](std::string_view stem) { return idf_of(stem); });
  const bool by_model = options.reranker != nullptr;
  const providers::Reranker& reranker = by_model ? *options.reranker : lexical_reranker;
  DM_ASSIGN(const std::vector<double> scores, reranker.rerank(question, passages, cancel));
  double least = 1;
  for (size_t i = 0; i < n_reranked; ++i) {
    ranked[i].score = by_model ? scores[i] : ranked[i].score * (1 + scores[i]);
    least = std::min(least, ranked[i].score);
  }
  if (by_model) {
    for (Ranked& entry : ranked.subspan(n_reranked)) entry.score *= least;  // fused scores are below 1
  }
  ranked = ranked.first(by_model ? ranked.size() : n_reranked);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  return {};
}

Result<Retrieval> Corpus::Impl::collect(std::string_view question, std::vector<Ranked> ranked) {
  Retrieval retrieval;
  retrieval.generation = generation;
  retrieval.vector_kind = vectors ? vectors->kind() : "none";
  const providers::Relevance relevance(question,
                                       [this](std::string_view stem) { return idf_of(stem); });
  WordAnalyzer analyzer;
  for (Ranked& entry : ranked) {
    index::StoredChunk& chunk = entry.chunk;
    DM_ASSIGN(const std::optional<index::DocumentRecord> document, store.document(chunk.path));
    retrieval.content_hashes.push_back(document ? to_hex(document->content_hash) : std::string());
    retrieval.origins.push_back({entry.hit.lexical_rank, entry.hit.vector_rank});
    Passage passage{.chunk_id = chunk.id,
                    .path = std::move(chunk.path),
                    .title = std::move(chunk.title),
                    .heading = std::move(chunk.heading),
                    .text = std::move(chunk.text),
                    .start_line = chunk.start_line,
                    .end_line = chunk.end_line,
                    .page = chunk.page,
                    .end_page = chunk.end_page,
                    .page_starts = std::move(chunk.page_starts),
                    .score = entry.score};
    passage.relevance =
        relevance.coverage(analyzer, {passage.text, passage.heading, passage.title});
    retrieval.passages.push_back(std::move(passage));
  }
  return retrieval;
}

Corpus::Corpus(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Corpus::Corpus(Corpus&&) noexcept = default;
Corpus& Corpus::operator=(Corpus&&) noexcept = default;
Corpus::~Corpus() = default;

Result<Corpus> Corpus::open(const std::string& folder, const CorpusOptions& options) {
  DM_ASSIGN(index::StoreReader store, index::StoreReader::open(folder));
  DM_ASSIGN(index::LexicalSearcher lexical, index::LexicalSearcher::create(store));
  return Corpus(std::make_unique<Impl>(std::move(store), std::move(lexical), options));
}

const index::StoreReader& Corpus::store() const { return impl_->store; }

std::string Corpus::reranker_identity() const {
  return impl_->options.reranker != nullptr ? impl_->options.reranker->info().identity : std::string();
}

std::string Corpus::embedder_identity() const {
  return impl_->embedder_record ? impl_->embedder_record->identity : std::string();
}

Result<int64_t> Corpus::refresh() {
  DM_ASSIGN(const int64_t generation, impl_->store.generation());
  if (generation != impl_->generation) DM_TRY(impl_->reload(generation));
  return generation;
}

std::string Corpus::vector_space() const {
  return impl_->embedder_record ? impl_->embedder_record->identity + "/" + impl_->training_id
                                : std::string();
}

Status Corpus::begin_snapshot() {
  DM_TRY(impl_->store.begin_snapshot());
  const Result<int64_t> refreshed = refresh();
  if (refreshed.ok()) return {};
  [[maybe_unused]] const Status ended = impl_->store.end_snapshot();
  return refreshed.error();
}

Status Corpus::end_snapshot() { return impl_->store.end_snapshot(); }

Result<Found> Corpus::find(std::string_view question, const RetrieveOptions& options,
                           monitor::Trace& trace, const CancelToken& cancel) {
  cache::ComputationCache* computed = impl_->options.computed;
  if (computed == nullptr || impl_->n_chunks == 0) return search(question, options, trace, cancel);
  DM_ASSIGN(const Digest key, retrieval_key(impl_->store, impl_->generation, vector_space(), question,
                                            options));
  Found known{.generation = impl_->generation, .newest_chunk = impl_->newest_chunk};
  if (const auto bytes = computed->find(cache::Computation::kRetrieval, key)) {
    if (decode_found(*bytes, known)) return known;
  }
  const Stopwatch searching;
  DM_ASSIGN(Found found, search(question, options, trace, cancel));
  computed->keep(cache::Computation::kRetrieval, key, encode_found(found), searching.elapsed_ms());
  return found;
}

Result<Found> Corpus::search(std::string_view question, const RetrieveOptions& options,
                             monitor::Trace& trace, const CancelToken& cancel) {
  if (impl_->n_chunks == 0) {
    return Error{ErrorCode::kNotFound, "the index in '" + impl_->store.folder() +
                                           "' is empty; run: docmind index PATH"};
  }
  const HybridParts parts{.store = &impl_->store,
                          .lexical = &impl_->lexical,
                          .vectors = impl_->vectors.get(),
                          .embedder = impl_->embedder};
  HybridOptions hybrid;
  // A model's vectors know what a short question means as well as a long one.
  if (impl_->options.embedder != nullptr) hybrid.least_vector_weight = 1;
  hybrid.lexical_scores = std::max(hybrid.lexical_scores, options.lexical_depth);
  hybrid.pool_depth = options.vector_depth;
  DM_ASSIGN(HybridFound found,
            hybrid_search(parts, question, hybrid, std::max(options.top_k, options.rerank_depth),
                          trace, cancel));
  return Found{.hits = std::move(found.hits),
               .vector = std::move(found.vector),
               .generation = impl_->generation,
               .newest_chunk = impl_->newest_chunk};
}

Result<Retrieval> Corpus::rank(std::string_view question, const Found& found,
                               const RetrieveOptions& options, monitor::Trace& trace,
                               const CancelToken& cancel) {
  DM_ASSIGN(std::vector<Ranked> ranked, impl_->rank(question, found.hits, options, trace, cancel));
  return impl_->collect(question, std::move(ranked));
}

Result<Retrieval> Corpus::retrieve(std::string_view question, const RetrieveOptions& options,
                                   monitor::Trace& trace, const CancelToken& cancel) {
  DM_TRY(begin_snapshot());
  Result<Retrieval> retrieval = [&]() -> Result<Retrieval> {
    DM_ASSIGN(const Found found, find(question, options, trace, cancel));
    return rank(question, found, options, trace, cancel);
  }();
  DM_TRY(end_snapshot());
  return retrieval;
}

Status Corpus::embed_questions(std::span<const std::string_view> texts, std::span<float> out,
                               const CancelToken& cancel) const {
  if (impl_->embedder == nullptr) {
    return Error{ErrorCode::kNotFound, "the store in '" + impl_->store.folder() +
                                           "' has no vectors yet; run: docmind index"};
  }
  return impl_->embedder->embed(texts, providers::EmbedKind::kQuestion, out, cancel);
}

size_t Corpus::vector_dimension() const {
  return impl_->embedder != nullptr ? impl_->embedder->info().dimension : 0;
}

double Corpus::inverse_document_frequency(std::string_view stem) { return impl_->idf_of(stem); }

}  // namespace docmind::pipeline
