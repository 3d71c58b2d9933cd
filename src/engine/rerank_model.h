// RerankModel: a loaded cross-encoder that scores documents for a query.
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

struct RerankScore {
  float logit = 0;         // raw, any value
  double probability = 0;  // its sigmoid
};

struct RerankReport {
  std::vector<RerankScore> scores;  // [documents]
  int64_t n_tokens = 0;
  int64_t n_cut_tokens = 0;  // beyond the model's context, left out of the documents or the query
};

// Any number of threads may call; their pairs go through the network together, and no score depends on
// what went with it.
class RerankModel {
 public:
  using Queue = EncoderQueue<float>;  // a logit for each pair

  static Result<std::unique_ptr<RerankModel>> load(const std::string& path, const EngineOptions& options,
                                                   const EncoderQueueOptions& queue = {});
  ~RerankModel();

  [[nodiscard]] const ModelInfo& info() const { return parts_.info; }
  [[nodiscard]] const model::Encoder& encoder() const { return *encoder_; }
  [[nodiscard]] const tokenizer::Tokenizer& tokenizer() const { return *parts_.tokenizer; }

  // Cancel drops what is not computed yet. kBusy when too many pairs wait already.
  [[nodiscard]] Result<RerankReport> rank(std::string_view query, std::span<const std::string_view> documents,
                                          const CancelToken& cancel, const BatchCall& call = {});
  // Logits of pairs that are tokens already, at most the context each.
  [[nodiscard]] Status rank_tokens(std::span<const TokenSequence> pairs, std::span<float> logits,
                                   const CancelToken& cancel, const BatchCall& call = {});

  // Limits of batches, statistics, requests without waiting.
  [[nodiscard]] Queue& queue() { return *queue_; }

 private:
  explicit RerankModel(ModelParts parts) : parts_(std::move(parts)) {}
  Status rank_sequences(std::vector<TokenSequence> pairs, std::span<float> logits, const CancelToken& cancel,
                        const BatchCall& call);
  Result<Queue::Answers> process(std::span<const TokenSequence> pairs);

  ModelParts parts_;
  std::unique_ptr<model::Encoder> encoder_;  // and what follows: used by the batch that runs
  std::vector<std::span<const model::TokenId>> views_;
  std::vector<float> logits_;
  std::unique_ptr<Queue> queue_;  // goes first
};

}  // namespace docmind::engine
