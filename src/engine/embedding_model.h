// EmbeddingModel: a loaded encoder that makes vectors of texts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/load_options.h"
#include "engine/model_parts.h"
#include "model/encoder.h"

namespace docmind::engine {

struct EmbedReport {
  int64_t n_tokens = 0;      // that went through the network
  int64_t n_cut_tokens = 0;  // beyond the model's context, left out
  int64_t n_cut_texts = 0;   // texts that lost some
};

// Any number of threads may call; they take turns.
class EmbeddingModel {
 public:
  static Result<std::unique_ptr<EmbeddingModel>> load(const std::string& path,
                                                      const EngineOptions& options);
  ~EmbeddingModel();

  [[nodiscard]] const ModelInfo& info() const { return parts_.info; }
  [[nodiscard]] const model::Encoder& encoder() const { return *encoder_; }
  [[nodiscard]] size_t dimension() const { return static_cast<size_t>(encoder_->config().n_embd); }

  // One row of unit length a text, out [texts.size(), dimension()]. A text longer than the context
  // loses its end. Cancel is looked at between batches.
  [[nodiscard]] Result<EmbedReport> embed(std::span<const std::string_view> texts,
                                          std::span<float> out, const CancelToken& cancel);
  // The same for texts that are tokens already, at most the context each.
  [[nodiscard]] Status embed_tokens(std::span<const std::vector<model::TokenId>> texts,
                                    std::span<float> out, const CancelToken& cancel);

 private:
  explicit EmbeddingModel(ModelParts parts) : parts_(std::move(parts)) {}

  ModelParts parts_;
  std::unique_ptr<model::Encoder> encoder_;
  std::mutex mutex_;  // guards the encoder
};

}  // namespace docmind::engine
