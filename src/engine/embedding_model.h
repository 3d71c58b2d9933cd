// EmbeddingModel: a loaded encoder that makes vectors of texts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/encoder_queue.h"
#include "engine/load_options.h"
#include "engine/model_parts.h"
#include "model/encoder.h"

namespace docmind::engine {

struct EmbedReport {
  int64_t n_tokens = 0;      // that went through the network
  int64_t n_cut_tokens = 0;  // beyond the model's context, left out
  int64_t n_cut_texts = 0;   // texts that lost some
};

// Any number of threads may call; their texts go through the network together, and no vector depends
// on what went with it.
class EmbeddingModel {
 public:
  using Queue = EncoderQueue<std::vector<float>>;  // a vector of unit length for each text

  static Result<std::unique_ptr<EmbeddingModel>> load(const std::string& path, const EngineOptions& options,
                                                      const EncoderQueueOptions& queue = {});
  ~EmbeddingModel();

  [[nodiscard]] const ModelInfo& info() const { return parts_.info; }
  [[nodiscard]] const model::Encoder& encoder() const { return *encoder_; }
  [[nodiscard]] const tokenizer::Tokenizer& tokenizer() const { return *parts_.tokenizer; }
  [[nodiscard]] size_t dimension() const { return static_cast<size_t>(encoder_->config().n_embd); }

  // One row of unit length a text, out [texts.size(), dimension()]. A text longer than the context
  // loses its end. Cancel drops what is not computed yet. kBusy when too many texts wait already.
  [[nodiscard]] Result<EmbedReport> embed(std::span<const std::string_view> texts, std::span<float> out,
                                          const CancelToken& cancel, const BatchCall& call = {});
  // The same for texts that are tokens already, at most the context each.
  [[nodiscard]] Status embed_tokens(std::span<const TokenSequence> texts, std::span<float> out,
                                    const CancelToken& cancel, const BatchCall& call = {});

  // Limits of batches, statistics, requests without waiting.
  [[nodiscard]] Queue& queue() { return *queue_; }

 private:
  explicit EmbeddingModel(ModelParts parts) : parts_(std::move(parts)) {}
  Status embed_sequences(std::vector<TokenSequence> texts, std::span<float> out, const CancelToken& cancel,
                         const BatchCall& call);
  Result<Queue::Answers> process(std::span<const TokenSequence> texts);

  ModelParts parts_;
  std::unique_ptr<model::Encoder> encoder_;  // and what follows: used by the batch that runs
  std::vector<std::span<const model::TokenId>> views_;
  std::vector<float> rows_;
  std::unique_ptr<Queue> queue_;  // goes first
};

}  // namespace docmind::engine
