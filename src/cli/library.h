// From the configuration to the library's option structs: the only place that knows both.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "cache/answer_cache.h"
#include "cache/answer_flights.h"
#include "cli/command.h"
#include "pipeline/asker.h"
#include "pipeline/corpus.h"
#include "pipeline/corpus_generator.h"
#include "pipeline/indexer.h"
#include "providers/provider.h"

namespace docmind::cli {

// The folder of the store: as configured, else the XDG data folder.
Result<std::string> store_folder(const Session& session);

// Everything of IndexRequest that the configuration says; roots are the command's.
pipeline::IndexRequest index_request(const Session& session);
pipeline::RetrieveOptions retrieve_options(const Session& session, int64_t top_k);
pipeline::AskOptions ask_options(const Session& session);
// Of the answer cache of a store folder.
cache::AnswerCacheOptions cache_options(const Config& config, const std::string& folder);

// The models that take part in retrieval, which remember what they computed where there is a cache.
struct RetrievalModels {
  std::unique_ptr<providers::Embedder> native_embedder;
  std::unique_ptr<providers::Reranker> native_reranker;
  std::unique_ptr<providers::Embedder> caching_embedder;
  std::unique_ptr<providers::Reranker> caching_reranker;

  // Null: the built-in lexical one.
  [[nodiscard]] const providers::Embedder* embedder() const {
    return caching_embedder ? caching_embedder.get() : native_embedder.get();
  }
  [[nodiscard]] const providers::Reranker* reranker() const {
    return caching_reranker ? caching_reranker.get() : native_reranker.get();
  }
};
// `models` and `computed`, which may be null, are borrowed.
pipeline::CorpusOptions corpus_options(const Session& session, const RetrievalModels& models,
                                       cache::ComputationCache* computed);
// `computed` may be null and is borrowed.
Result<RetrievalModels> load_retrieval_models(Session& session, cache::ComputationCache* computed);

// What was computed for a store folder before; null when switched off or not usable, which is noted.
std::unique_ptr<cache::ComputationCache> open_computed(Session& session, const std::string& folder);

// The store opened for questions, with the parts that answer them. Parts refer to each other, so it
// stays where it was made.
struct Library {
  std::unique_ptr<cache::ComputationCache> computed;  // null when switched off or not usable
  RetrievalModels models;
  std::unique_ptr<pipeline::Corpus> corpus;
  pipeline::GeneratorChoice choice;
  std::shared_ptr<const providers::Generator> generator;  // of `corpus`
  std::unique_ptr<cache::AnswerCache> cache;  // null when switched off or not usable
  std::unique_ptr<cache::AnswerFlights> flights;
  std::unique_ptr<pipeline::Asker> asker;
};

Result<std::unique_ptr<Library>> open_library(Session& session);

// A further asker with a corpus of its own, which shares everything else with the library's: one for
// each thread that asks at the same time. Borrows the library.
struct ParallelAsker {
  std::unique_ptr<pipeline::Corpus> corpus;
  std::shared_ptr<const providers::Generator> generator;
  std::unique_ptr<pipeline::Asker> asker;
};
Result<ParallelAsker> open_parallel_asker(Session& session, const Library& library);
// The answer cache of a store folder; notes on standard error what had to be repaired.
Result<std::unique_ptr<cache::AnswerCache>> open_cache(Session& session, const std::string& folder);
// After documents changed or went: their answers are dead already and only take up room. What cannot be
// removed is noted and goes when it is asked for.
void drop_answers_of(Session& session, const std::string& folder, std::span<const std::string> paths);

}  // namespace docmind::cli
