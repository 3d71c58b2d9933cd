// EmbedderStage: gives every chunk of the store a vector from a model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "index/types.h"
#include "monitor/metrics.h"
#include "pipeline/indexer.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// What a store remembers of an embedder.
[[nodiscard]] index::EmbedderRecord embedder_record_of(const providers::EmbedderInfo& info);

// Chunks are embedded in batches, and committed every few seconds, so that a run that is stopped or
// killed goes on where it was. Borrows the embedder and the metrics.
class EmbedderStage final : public VectorStage {
 public:
  EmbedderStage(const providers::Embedder& embedder, monitor::Metrics& metrics)
      : embedder_(embedder), metrics_(metrics) {}

  Status check(const index::StoreReader& store) const override;
  // Never trains.
  Result<bool> update(const index::StoreWriter& store, const ProgressSink& progress,
                      const CancelToken& cancel) override;

 private:
  struct Chunks;
  Result<Chunks> next_chunks(const index::StoreReader& store, size_t limit) const;

  const providers::Embedder& embedder_;
  monitor::Metrics& metrics_;
};

}  // namespace docmind::pipeline
