// CollectionImpl: one store folder with everything that answers from it and keeps it up to date.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/collection_impl.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "index/store_writer.h"
#include "providers/extractive.h"
#include "providers/lexical_reranker.h"

namespace docmind::pipeline {
namespace {

constexpr size_t kWatchConnections = 4;
constexpr int64_t kDecodedBytes = 16 << 20;
constexpr int kCreateWaitMs = 10'000;

// The writer's lock is needed only where there is nothing yet.
Status create_store(const std::string& folder) {
  const Result<index::StoreReader> store = index::StoreReader::open(folder);
  if (store.ok()) return {};
  if (store.error().code != ErrorCode::kNotFound) return store.error();
  DM_TRY(make_folders(folder));
  const Result<index::StoreWriter> created = index::StoreWriter::open(folder, {.lock_wait_ms = kCreateWaitMs});
  return created.ok() ? Status() : Status(created.error());
}

AskOptions within_limits(AskOptions options) {
  RetrieveOptions& retrieve = options.retrieve;
  if (options.rerank_limit) retrieve.rerank_depth = std::min(retrieve.rerank_depth, *options.rerank_limit);
  if (options.passage_limit) retrieve.top_k = std::min(retrieve.top_k, *options.passage_limit);
  return options;
}

std::string generator_identity(const Models& models) {
  if (models.generator != nullptr) return models.generator->info().identity;
  return providers::ExtractiveGenerator([](std::string_view) { return 0.0; }).info().identity;
}

}  // namespace

Result<std::shared_ptr<CollectionImpl>> CollectionImpl::open(std::string name, std::string folder,
                                                             const CollectionContext& context) {
  DM_TRY(create_store(folder));
  std::shared_ptr<CollectionImpl> collection(new CollectionImpl(std::move(name), std::move(folder), context));
  DM_TRY(collection->open_caches());
  DM_TRY(collection->open_models());
  collection->open_index();
  return collection;
}

// Answers can be made without caches: what is wrong with one is said, and the collection goes on.
Status CollectionImpl::open_caches() {
  const ServiceOptions& options = *context_.options;
  std::string repaired;
  if (options.computed_bytes > 0) {
    Result<std::unique_ptr<cache::ComputationCache>> computed = cache::ComputationCache::open(
        {.disk_path = index::computed_path(folder_), .disk_bytes = options.computed_bytes}, &repaired);
    if (!repaired.empty()) context_.logger->warn("{}", repaired);
    if (computed.ok()) computed_ = *std::move(computed);
    else context_.logger->warn("computed results are not kept: {}", computed.error().message);
  }
  if (options.use_cache) {
    cache::AnswerCacheOptions answers = options.answers;
    answers.disk_path = index::cache_path(folder_);
    answers.directory_path = index::questions_path(folder_);
    Result<std::unique_ptr<cache::AnswerCache>> opened = cache::AnswerCache::open(answers, &repaired);
    if (!repaired.empty()) context_.logger->warn("{}", repaired);
    if (opened.ok()) answers_ = *std::move(opened);
    else context_.logger->warn("answers are not cached: {}", opened.error().message);
  }
  flights_ = std::make_unique<cache::AnswerFlights>(may_share(answers_.get()));
  return {};
}

Status CollectionImpl::open_models() {
  const Models& models = context_.options->models;
  AskerPoolOptions pool{.folder = folder_,
                        .corpus = context_.options->corpus,
                        .generator = {models.generator, models.falls_back_to_extractive, models.route_log},
                        .shared = {},
                        .max_idle = context_.options->n_workers};
  pool.corpus.embedder = models.embedder.get();
  pool.corpus.reranker = models.reranker.get();
  pool.corpus.computed = computed_.get();
  if (computed_ != nullptr && models.embedder != nullptr) {
    caching_embedder_ = std::make_unique<CachingEmbedder>(*models.embedder, *computed_);
    pool.corpus.embedder = caching_embedder_.get();
  }
  if (computed_ != nullptr && models.reranker != nullptr) {
    caching_reranker_ = std::make_unique<CachingReranker>(*models.reranker, *computed_);
    pool.corpus.reranker = caching_reranker_.get();
  }
  pool.shared = {.cache = answers_.get(), .flights = flights_.get(), .verifier = pool.corpus.reranker};
  ScopeParts fixed{.provider = generator_identity(models)};
  if (models.reranker != nullptr) fixed.reranker = models.reranker->info().identity;
  DM_ASSIGN(watch_, StoreWatch::open(folder_, std::move(fixed), kWatchConnections));
  if (answers_ != nullptr) {
    memory_answers_ = std::make_unique<MemoryAnswers>(*answers_, *watch_, models.generator.get(), *context_.metrics,
                                                       kDecodedBytes);
  }
  askers_ = std::make_unique<AskerPool>(std::move(pool), *context_.metrics);
  // Vectors of another embedder are told now, not to the first who asks.
  DM_ASSIGN(const AskerPool::Lease first, askers_->take());
  const Result<int64_t> generation = first.corpus().refresh();
  return generation.ok() ? Status() : Status(generation.error());
}

void CollectionImpl::open_index() {
  CollectionIndexOptions options{.folder = folder_, .request = context_.options->index};
  options.embedder = caching_embedder_ ? caching_embedder_.get() : context_.options->models.embedder.get();
  options.computed = computed_.get();
  options.background = context_.background;
  options.metrics = context_.metrics;
  options.on_changed = [this](const std::vector<std::string>& paths) { drop_answers_of(paths); };
  index_ = std::make_shared<CollectionIndex>(std::move(options));
  index_->resume();
}

// They are dead already and only take up room.
void CollectionImpl::drop_answers_of(const std::vector<std::string>& paths) {
  if (answers_ == nullptr || answers_->directory() == nullptr) return;
  if (context_.options->ask.stale_ms > 0) return;  // they may be served once more, marked, and are replaced then
  for (const std::string& path : paths) {
    const Result<int64_t> dropped = answers_->invalidate({.document = path});
    if (dropped.ok()) continue;
    context_.logger->warn("cached answers of changed documents stay on disk for now, they are not served: {}",
                          dropped.error().message);
    return;
  }
}

// What the command line says about an empty index does not help who asks a server.
Error CollectionImpl::without_documents(Error error) const {
  if (error.code != ErrorCode::kNotFound) return error;
  const IndexJob now = job();
  return Error{ErrorCode::kNotFound,
               now.running || now.queued
                   ? fmt::format("the collection '{}' is being indexed for the first time; ask again in a moment",
                                 name_)
                   : fmt::format("the collection '{}' has no documents yet; add some with POST /v1/documents, on the "
                                 "page, or with docmind index PATH",
                                 name_)};
}

Result<Answer> CollectionImpl::ask(std::string_view question, const AskOptions& options,
                                   const providers::TextSink& sink, const CancelToken& cancel) {
  const BackgroundIndexer::Question in_work(*context_.background);
  DM_ASSIGN(const AskerPool::Lease lease, askers_->take());
  Result<Answer> answer = lease.asker().ask(question, within_limits(options), sink, cancel);
  if (!answer.ok()) return without_documents(std::move(answer).error());
  return answer;
}

std::optional<Answer> CollectionImpl::ask_memory(std::string_view question, const AskOptions& options) {
  if (memory_answers_ == nullptr) return std::nullopt;
  std::optional<Answer> answer = memory_answers_->find(question, options);
  if (answer) return answer;
  const AskOptions limited = within_limits(options);
  const bool is_less = limited.retrieve.top_k != options.retrieve.top_k ||
                       limited.retrieve.rerank_depth != options.retrieve.rerank_depth;
  return is_less ? memory_answers_->find(question, limited) : std::nullopt;
}

Result<Retrieval> CollectionImpl::search(std::string_view question, const RetrieveOptions& options,
                                         const CancelToken& cancel) {
  const Stopwatch total;
  const BackgroundIndexer::Question in_work(*context_.background);
  DM_ASSIGN(const AskerPool::Lease lease, askers_->take());
  monitor::Trace trace(*context_.metrics);
  Result<Retrieval> found = lease.corpus().retrieve(question, options, trace, cancel);
  if (!found.ok()) return without_documents(std::move(found).error());
  context_.metrics->record(monitor::Stage::kTotalSearch, total.elapsed_ms());
  return found;
}

Result<std::vector<std::vector<float>>> CollectionImpl::embed(std::span<const std::string_view> texts,
                                                              const CancelToken& cancel) {
  DM_ASSIGN(const AskerPool::Lease lease, askers_->take());
  DM_ASSIGN([[maybe_unused]] const int64_t generation, lease.corpus().refresh());
  const size_t dimension = lease.corpus().vector_dimension();
  if (dimension == 0) return without_documents({ErrorCode::kNotFound, ""});
  std::vector<float> rows(texts.size() * dimension);
  DM_TRY(lease.corpus().embed_questions(texts, rows, cancel));
  std::vector<std::vector<float>> vectors;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto row = std::span(rows).subspan(i * dimension, dimension);
    vectors.emplace_back(row.begin(), row.end());
  }
  return vectors;
}

Result<std::vector<double>> CollectionImpl::rerank(std::string_view question,
                                                   std::span<const std::string_view> documents,
                                                   const CancelToken& cancel) {
  DM_ASSIGN(const AskerPool::Lease lease, askers_->take());
  Corpus& corpus = lease.corpus();
  DM_ASSIGN([[maybe_unused]] const int64_t generation, corpus.refresh());
  if (corpus.vector_dimension() == 0) return without_documents({ErrorCode::kNotFound, ""});
  std::vector<providers::Passage> passages;
  for (const std::string_view text : documents) passages.push_back({.text = text});
  const providers::LexicalReranker lexical(
      [&](std::string_view stem) { return corpus.inverse_document_frequency(stem); });
  return lexical.rerank(question, passages, cancel);
}

}  // namespace docmind::pipeline
