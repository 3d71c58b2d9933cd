// CollectionImpl: one store folder with everything that answers from it and keeps it up to date.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "cache/answer_flights.h"
#include "pipeline/asker_pool.h"
#include "pipeline/caching_models.h"
#include "pipeline/collection.h"
#include "pipeline/collection_index.h"
#include "pipeline/memory_answers.h"
#include "pipeline/service.h"
#include "pipeline/store_watch.h"

namespace docmind::pipeline {

// What collections have in common; borrowed, it must outlive them.
struct CollectionContext {
  const ServiceOptions* options = nullptr;
  monitor::Metrics* metrics = nullptr;
  BackgroundIndexer* background = nullptr;
  const Logger* logger = nullptr;
};

class CollectionImpl final : public Collection {
 public:
  // Opens the store in `folder`; one that is not there is created empty. Indexing of what an earlier process left
  // begins by itself.
  static Result<std::shared_ptr<CollectionImpl>> open(std::string name, std::string folder,
                                                      const CollectionContext& context);

  const std::string& name() const override { return name_; }
  const std::string& folder() const override { return folder_; }

  Result<Answer> ask(std::string_view question, const AskOptions& options, const providers::TextSink& sink,
                     const CancelToken& cancel) override;
  std::optional<Answer> ask_memory(std::string_view question, const AskOptions& options) override;
  Result<Retrieval> search(std::string_view question, const RetrieveOptions& options,
                           const CancelToken& cancel) override;
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string_view> texts,
                                                const CancelToken& cancel) override;
  Result<std::vector<double>> rerank(std::string_view question, std::span<const std::string_view> documents,
                                     const CancelToken& cancel) override;

  Result<Counts> counts() override;
  Result<std::vector<DocumentInfo>> documents() override;
  Result<SourceText> source(std::string_view id) override;
  Result<DocumentInfo> add(std::string_view name, const std::string& spooled_path) override;
  Status remove(std::string_view id) override;
  int64_t reindex() override { return index_->start(CollectionIndex::What::kEverything); }
  IndexJob job() const override { return index_->job(); }
  uint64_t wait_change(uint64_t seen, int64_t timeout_ms) const override {
    return index_->wait_change(seen, timeout_ms);
  }

  cache::AnswerCache* answers() override { return answers_.get(); }
  cache::ComputationCache* computed() override { return computed_.get(); }

 private:
  CollectionImpl(std::string name, std::string folder, const CollectionContext& context)
      : name_(std::move(name)), folder_(std::move(folder)), context_(context) {}
  Status open_caches();
  Status open_models();
  void open_index();
  void drop_answers_of(const std::vector<std::string>& paths);
  Result<DocumentInfo> find_document(std::string_view id);
  Error without_documents(Error error) const;

  const std::string name_;
  const std::string folder_;
  const CollectionContext context_;
  std::unique_ptr<cache::ComputationCache> computed_;
  std::unique_ptr<CachingEmbedder> caching_embedder_;
  std::unique_ptr<CachingReranker> caching_reranker_;
  std::unique_ptr<cache::AnswerCache> answers_;
  std::unique_ptr<cache::AnswerFlights> flights_;
  std::unique_ptr<StoreWatch> watch_;
  std::unique_ptr<MemoryAnswers> memory_answers_;
  std::unique_ptr<AskerPool> askers_;
  std::shared_ptr<CollectionIndex> index_;
};

}  // namespace docmind::pipeline
