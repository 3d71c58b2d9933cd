// CachingEmbedder, CachingReranker: models that remember what they computed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cache/computation_cache.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// The same results as `inner`, each text computed once: also across restarts and when documents are
// indexed again. Vectors of documents are kept as a store keeps them (int8), those of questions exactly.
// Borrows both; as many threads as `inner` allows.
class CachingEmbedder final : public providers::Embedder {
 public:
  CachingEmbedder(const providers::Embedder& inner, cache::ComputationCache& computed)
      : inner_(inner), computed_(computed) {}

  providers::EmbedderInfo info() const override { return inner_.info(); }
  Status embed(std::span<const std::string_view> texts, providers::EmbedKind kind,
               std::span<float> out, const CancelToken& cancel) const override;
  int64_t n_tokens() const override { return inner_.n_tokens(); }

 private:
  const providers::Embedder& inner_;
  cache::ComputationCache& computed_;
};

// For rerankers whose score of a passage depends on the question and that passage alone, as those of
// models do.
class CachingReranker final : public providers::Reranker {
 public:
  CachingReranker(const providers::Reranker& inner, cache::ComputationCache& computed)
      : inner_(inner), computed_(computed) {}

  providers::ProviderInfo info() const override { return inner_.info(); }
  Result<std::vector<double>> rerank(std::string_view question,
                                     std::span<const providers::Passage> passages,
                                     const CancelToken& cancel) const override;

 private:
  const providers::Reranker& inner_;
  cache::ComputationCache& computed_;
};

}  // namespace docmind::pipeline
