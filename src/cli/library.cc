// From the configuration to the library's option structs: the only place that knows both.
// SPDX-License-Identifier: Apache-2.0
#include "cli/library.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/environment.h"
#include "cli/lazy_models.h"
#include "index/store_reader.h"
#include "pipeline/caching_models.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMiB = 1LL << 20;

pipeline::SharedByAskers shared_parts(const Library& library) {
  return {.cache = library.cache.get(),
          .flights = library.flights.get(),
          .verifier = library.models.reranker()};
}

}  // namespace

cache::AnswerCacheOptions cache_options(const Config& config, const std::string& folder) {
  cache::AnswerCacheOptions options;
  options.disk_path = index::cache_path(folder);
  options.memory_bytes = config.cache.memory_mib * kMiB;
  options.disk_bytes = config.cache.disk_mib * kMiB;
  options.ttl_ms = config.cache.ttl_s * 1000;
  options.directory_path = index::questions_path(folder);
  options.max_questions = config.cache.questions;
  options.near.enabled = config.cache.semantic;
  options.near.threshold = config.cache.threshold;
  options.near.verify_band = config.cache.verify_band;
  options.near.floor = std::min(options.near.floor, config.cache.threshold - config.cache.verify_band);
  if (config.cache.max_wrong > 0) options.near.max_wrong_share = config.cache.max_wrong;
  options.near.confidence = config.cache.confidence;
  return options;
}

Result<std::string> store_folder(const Session& session) {
  const std::string& configured = session.config().store.path;
  if (configured.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "there is no folder for the store: neither HOME nor XDG_DATA_HOME is set; "
                 "name one with --store"};
  }
  std::error_code failure;
  const auto path = std::filesystem::absolute(configured, failure).lexically_normal();
  if (failure) {
    return Error{ErrorCode::kInvalidArgument,
                 "cannot make '" + configured + "' absolute: " + failure.message()};
  }
  return path.string();
}

pipeline::IndexRequest index_request(const Session& session) {
  const Config& config = session.config();
  pipeline::IndexRequest request;
  request.scan.include = config.index.include;
  request.scan.exclude = config.index.exclude;
  request.job.limits.max_file_bytes = config.index.max_file_mib * kMiB;
  request.job.limits.timeout_ms = static_cast<int>(config.index.read_timeout_ms);
  request.job.limits.worker_memory_bytes = config.index.worker_memory_mib * kMiB;
  const auto target = static_cast<uint32_t>(config.index.chunk_target_bytes);
  request.job.chunks = {.min_bytes = target / 4, .target_bytes = target, .max_bytes = target * 3 / 2};
  request.n_threads = static_cast<size_t>(config.index.threads);
  request.worker_executable = session.executable;
  request.exact_limit = static_cast<size_t>(config.search.exact_limit);
  return request;
}

pipeline::CorpusOptions corpus_options(const Session& session, const RetrievalModels& models,
                                       cache::ComputationCache* computed) {
  return {.exact_limit = static_cast<size_t>(session.config().search.exact_limit),
          .embedder = models.embedder(),
          .reranker = models.reranker(),
          .computed = computed};
}

std::unique_ptr<cache::ComputationCache> open_computed(Session& session, const std::string& folder) {
  const int64_t disk_bytes = session.config().cache.computed_mib * kMiB;
  if (disk_bytes == 0) return nullptr;
  std::string repaired;
  Result<std::unique_ptr<cache::ComputationCache>> computed = cache::ComputationCache::open(
      {.disk_path = index::computed_path(folder), .disk_bytes = disk_bytes}, &repaired);
  if (!repaired.empty()) session.logger.warn("{}", repaired);
  if (computed.ok()) return *std::move(computed);
  session.logger.warn("computed results are not kept: {}", computed.error().message);
  return nullptr;
}

Result<RetrievalModels> load_retrieval_models(Session& session, cache::ComputationCache* computed) {
  RetrievalModels models;
  DM_ASSIGN(models.native_embedder, open_embedder(session, computed));
  DM_ASSIGN(models.native_reranker, open_reranker(session, computed));
  if (computed == nullptr) return models;
  if (models.native_embedder != nullptr) {
    models.caching_embedder =
        std::make_unique<pipeline::CachingEmbedder>(*models.native_embedder, *computed);
  }
  if (models.native_reranker != nullptr) {
    models.caching_reranker =
        std::make_unique<pipeline::CachingReranker>(*models.native_reranker, *computed);
  }
  return models;
}

pipeline::RetrieveOptions retrieve_options(const Session& session, int64_t top_k) {
  const Config& config = session.config();
  return {.top_k = static_cast<size_t>(top_k),
          .lexical_depth = static_cast<size_t>(config.search.lexical_depth),
          .vector_depth = static_cast<size_t>(config.search.vector_depth),
          .rerank_depth = static_cast<size_t>(config.reranker.path.empty() ? config.search.rerank_depth
                                                                           : config.reranker.depth)};
}

pipeline::AskOptions ask_options(const Session& session) {
  const Config& config = session.config();
  pipeline::AskOptions options;
  options.tenant = config.tenant;
  options.retrieve = retrieve_options(session, config.ask.top_k);
  options.min_relevance = config.ask.min_relevance;
  // A model judges by itself what answers the question, also where the words differ.
  const bool is_set = session.effective.origins.contains("ask.min_relevance");
  if (!config.model.path.empty() && !is_set) options.min_relevance = 0;
  options.max_sentences = static_cast<int>(config.ask.max_sentences);
  options.max_tokens = static_cast<int>(config.model.max_tokens);
  options.use_cache = config.cache.enabled;
  options.audit_share = config.cache.audit_share;
  options.stale_ms = config.cache.stale_s * 1000;
  return options;
}

Result<std::unique_ptr<cache::AnswerCache>> open_cache(Session& session, const std::string& folder) {
  std::string repaired;
  DM_ASSIGN(std::unique_ptr<cache::AnswerCache> cache,
            cache::AnswerCache::open(cache_options(session.config(), folder), &repaired));
  if (!repaired.empty()) session.logger.warn("{}", repaired);
  return cache;
}

void drop_answers_of(Session& session, const std::string& folder,
                     std::span<const std::string> paths) {
  const Config& config = session.config();
  if (paths.empty() || !config.cache.enabled || !config.cache.semantic) return;
  if (config.cache.stale_s > 0) return;  // they may be served once more, marked, and are replaced then
  std::error_code no_file;
  if (!std::filesystem::exists(index::questions_path(folder), no_file)) return;
  Status dropped = [&]() -> Status {
    DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache(session, folder));
    for (const std::string& path : paths) DM_TRY(cache->invalidate({.document = path}));
    return {};
  }();
  if (!dropped.ok()) {
    session.logger.warn("cached answers of changed documents stay on disk for now, they are not served: {}",
                        dropped.error().message);
  }
}

Result<std::unique_ptr<Library>> open_library(Session& session) {
  DM_ASSIGN(const std::string folder, store_folder(session));
  auto library = std::make_unique<Library>();
  // A store that is not there is told before models are loaded, which takes a while.
  if (auto store = index::StoreReader::open(folder); !store.ok()) return std::move(store).error();
  library->computed = open_computed(session, folder);
  DM_ASSIGN(library->models, load_retrieval_models(session, library->computed.get()));
  DM_ASSIGN(pipeline::Corpus corpus,
            pipeline::Corpus::open(folder, corpus_options(session, library->models,
                                                          library->computed.get())));
  library->corpus = std::make_unique<pipeline::Corpus>(std::move(corpus));
  // Likewise vectors of another embedder.
  if (Result<int64_t> opened = library->corpus->refresh(); !opened.ok()) return std::move(opened).error();
  DM_ASSIGN(AssembledGenerator assembled, open_generator(session, library->computed.get()));
  library->choice = {std::move(assembled.generator), assembled.falls_back_to_extractive, std::move(assembled.log)};
  library->generator = pipeline::corpus_generator(*library->corpus, library->choice);
  if (session.config().cache.enabled) {
    Result<std::unique_ptr<cache::AnswerCache>> cache = open_cache(session, folder);
    // Answers can be made without it; say so and go on.
    if (cache.ok()) library->cache = *std::move(cache);
    else session.logger.warn("answers are not cached: {}", cache.error().message);
  }
  library->flights = std::make_unique<cache::AnswerFlights>(pipeline::may_share(library->cache.get()));
  library->asker = std::make_unique<pipeline::Asker>(*library->corpus, *library->generator,
                                                     shared_parts(*library), session.metrics);
  return library;
}

Result<ParallelAsker> open_parallel_asker(Session& session, const Library& library) {
  ParallelAsker own;
  DM_ASSIGN(const std::string folder, store_folder(session));
  DM_ASSIGN(pipeline::Corpus corpus,
            pipeline::Corpus::open(folder, corpus_options(session, library.models,
                                                          library.computed.get())));
  own.corpus = std::make_unique<pipeline::Corpus>(std::move(corpus));
  own.generator = pipeline::corpus_generator(*own.corpus, library.choice);
  own.asker = std::make_unique<pipeline::Asker>(*own.corpus, *own.generator, shared_parts(library),
                                                session.metrics);
  return own;
}

}  // namespace docmind::cli
