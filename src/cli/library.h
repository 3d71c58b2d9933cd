// From the configuration to the library's option structs: the only place that knows both.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "cache/answer_cache.h"
#include "cli/command.h"
#include "pipeline/asker.h"
#include "pipeline/corpus.h"
#include "pipeline/indexer.h"
#include "providers/provider.h"

namespace docmind::cli {

// The folder of the store: as configured, else the XDG data folder.
Result<std::string> store_folder(const Session& session);

// Everything of IndexRequest that the configuration says; roots are the command's.
pipeline::IndexRequest index_request(const Session& session);
// With the models that take part in retrieval, which may be null and are borrowed.
pipeline::CorpusOptions corpus_options(const Session& session, const providers::Embedder* embedder,
                                       const providers::Reranker* reranker);
pipeline::RetrieveOptions retrieve_options(const Session& session, int64_t top_k);
pipeline::AskOptions ask_options(const Session& session);

// The store opened for questions, with the parts that answer them. Parts refer to each other, so it
// stays where it was made.
struct Library {
  std::unique_ptr<providers::Embedder> embedder;  // null: the built-in lexical one
  std::unique_ptr<providers::Reranker> reranker;  // likewise
  std::unique_ptr<pipeline::Corpus> corpus;
  std::unique_ptr<providers::Generator> generator;
  std::unique_ptr<cache::AnswerCache> cache;  // null when switched off or not usable
  std::unique_ptr<pipeline::Asker> asker;
};

Result<std::unique_ptr<Library>> open_library(Session& session);
// The answer cache of a store folder; notes on standard error what had to be repaired.
Result<std::unique_ptr<cache::AnswerCache>> open_cache(Session& session, const std::string& folder);

}  // namespace docmind::cli
