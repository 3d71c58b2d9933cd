// BackgroundEmbedder: an embedder as background indexing uses it, without holding questions up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/background_indexer.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// The indexing thread has the lowest priority, but whoever runs a batch of a model may have the texts of questions in
// it: calls therefore go through a thread of normal priority. Borrows both.
class BackgroundEmbedder final : public providers::Embedder {
 public:
  BackgroundEmbedder(const providers::Embedder& inner, BackgroundIndexer& background)
      : inner_(inner), background_(background) {}

  [[nodiscard]] providers::EmbedderInfo info() const override { return inner_.info(); }
  [[nodiscard]] Status embed(std::span<const std::string_view> texts, providers::EmbedKind kind, std::span<float> out,
                             const CancelToken& cancel) const override {
    Status embedded;
    background_.at_normal_priority([&] { embedded = inner_.embed(texts, kind, out, cancel); });
    return embedded;
  }
  [[nodiscard]] int64_t n_tokens() const override { return inner_.n_tokens(); }

 private:
  const providers::Embedder& inner_;
  BackgroundIndexer& background_;
};

}  // namespace docmind::pipeline
