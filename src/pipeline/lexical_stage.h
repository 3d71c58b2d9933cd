// LexicalStage: trains the lexical embedder on the store and gives every chunk its vector.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/thread_pool.h"
#include "monitor/metrics.h"
#include "pipeline/indexer.h"
#include "pipeline/lexical_terms.h"

namespace docmind::pipeline {

// What an embedder sees of a chunk: its place in the document, then its text.
[[nodiscard]] std::string embedded_text(std::string_view title, std::string_view heading,
                                        std::string_view text);

// The vocabulary is trained anew when a fifth of the chunks is newer than it; until then new chunks
// are projected into the trained space. Borrows the pool and the metrics.
class LexicalStage final : public VectorStage {
 public:
  LexicalStage(ThreadPool& pool, monitor::Metrics& metrics) : pool_(pool), metrics_(metrics) {}

  Status check(const index::StoreReader& store) const override;
  Result<bool> update(const index::StoreWriter& store, const ProgressSink& progress,
                      const CancelToken& cancel) override;

 private:
  Status retrain(const index::StoreWriter& store, int64_t n_chunks, const ProgressSink& progress,
                 const CancelToken& cancel);
  Status embed_new(const index::StoreWriter& store, LexicalState state,
                   const ProgressSink& progress, const CancelToken& cancel);

  ThreadPool& pool_;
  monitor::Metrics& metrics_;
};

}  // namespace docmind::pipeline
