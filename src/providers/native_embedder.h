// NativeEmbedder: vectors from an encoder that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "engine/embedding_model.h"
#include "providers/provider.h"

namespace docmind::providers {

// Questions and documents are embedded alike, as BGE-M3 wants it.
class NativeEmbedder final : public Embedder {
 public:
  explicit NativeEmbedder(std::shared_ptr<engine::EmbeddingModel> model) : model_(std::move(model)) {}

  // The identity names the model's content, not its path, so that a store survives a moved file.
  [[nodiscard]] EmbedderInfo info() const override;
  [[nodiscard]] Status embed(std::span<const std::string_view> texts, EmbedKind kind,
                             std::span<float> out, const CancelToken& cancel) const override;
  [[nodiscard]] int64_t n_tokens() const override { return n_tokens_; }
  [[nodiscard]] int64_t n_cut_tokens() const override { return n_cut_tokens_; }

 private:
  std::shared_ptr<engine::EmbeddingModel> model_;
  mutable std::atomic<int64_t> n_tokens_{0};
  mutable std::atomic<int64_t> n_cut_tokens_{0};
};

}  // namespace docmind::providers
