// A folder of documents, its store and everything that answers questions about it, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "cache/answer_cache.h"
#include "index/store_samples.h"
#include "index/store_writer.h"
#include "monitor/metrics.h"
#include "pipeline/asker.h"
#include "pipeline/corpus.h"
#include "pipeline/indexer.h"
#include "pipeline/lexical_stage.h"
#include "providers/extractive.h"
#include "support/temp_folder.h"

namespace docmind::pipeline {

using docmind::test::must;

// Documents live in docs/, the store in store/ of one folder.
class PipelineTest : public testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text) const {
    return folder.write("docs/" + name, text);
  }
  std::string doc(const std::string& name) const { return folder.path("docs/" + name); }
  void remove(const std::string& name) const { folder.remove("docs/" + name); }
  std::string store_folder() const { return folder.path("store"); }

  IndexRequest request() const {
    IndexRequest wanted;
    wanted.roots = {folder.mkdir("docs")};
    wanted.n_threads = 2;
    return wanted;
  }
  index::StoreWriter open_writer() const {
    index::StoreWriter writer = must(index::StoreWriter::open(store_folder(), {.lock_wait_ms = 0}));
    must(writer.reader().db().exec("PRAGMA synchronous=OFF"));
    return writer;
  }
  Result<IndexReport> try_index(const IndexRequest& wanted, const CancelToken& cancel = {},
                                const ProgressSink& progress = [](const IndexProgress&) {}) {
    const index::StoreWriter writer = open_writer();
    ThreadPool pool(1);
    LexicalStage stage(pool, *metrics);
    return Indexer(writer, stage, *metrics).run(wanted, progress, cancel);
  }
  IndexReport index(const IndexRequest& wanted) { return must(try_index(wanted)); }
  IndexReport index() { return index(request()); }

  // "found added updated unchanged removed"
  static std::string counts(const IndexReport& report) {
    std::string text;
    for (const int64_t n : {report.n_found, report.n_added, report.n_updated, report.n_unchanged,
                            report.n_removed}) {
      text += std::to_string(n) + " ";
    }
    text.pop_back();
    return text;
  }
  // Paths of all indexed documents, relative to docs/.
  std::vector<std::string> indexed() const {
    std::vector<std::string> names;
    for (const auto& record : must(reader().documents_below(""))) {
      names.push_back(record.path.substr(doc("").size()));
    }
    return names;
  }
  index::StoreReader reader() const { return must(index::StoreReader::open(store_folder())); }

  test::TempFolder folder;
  std::unique_ptr<monitor::Metrics> metrics = std::make_unique<monitor::Metrics>();
};

// The same with an open corpus, cache and asker; index() first.
class AskerTest : public PipelineTest {
 protected:
  void open(const CorpusOptions& options = {}) {
    asker.reset();
    corpus = std::make_unique<Corpus>(must(Corpus::open(store_folder(), options)));
    generator = std::make_unique<providers::ExtractiveGenerator>(
        [this](std::string_view stem) { return corpus->inverse_document_frequency(stem); });
    if (!cache) {
      cache_options.disk_path = index::cache_path(store_folder());
      cache_options.directory_path = index::questions_path(store_folder());
      cache = must(cache::AnswerCache::open(cache_options, nullptr));
    }
    asker = std::make_unique<Asker>(*corpus, *generator, SharedByAskers{.cache = cache.get()}, *metrics);
  }
  Result<Answer> try_ask(std::string_view question, const AskOptions& options = {}) {
    streamed.clear();
    return asker->ask(
        question, options,
        [this](std::string_view piece) {
          streamed += piece;
          return true;
        },
        CancelToken());
  }
  Answer ask(std::string_view question, const AskOptions& options = {}) {
    return must(try_ask(question, options));
  }
  Retrieval retrieve(std::string_view question, const RetrieveOptions& options = {}) {
    monitor::Trace trace(*metrics);
    return must(corpus->retrieve(question, options, trace, CancelToken()));
  }

  std::unique_ptr<Corpus> corpus;
  std::unique_ptr<providers::ExtractiveGenerator> generator;
  cache::AnswerCacheOptions cache_options;
  std::unique_ptr<cache::AnswerCache> cache;
  std::unique_ptr<Asker> asker;
  std::string streamed;
};

}  // namespace docmind::pipeline
