// RerankModel: a loaded cross-encoder that scores documents for a query.
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

struct RerankScore {
  float logit = 0;         // raw, any value
  double probability = 0;  // its sigmoid
};

struct RerankReport {
  std::vector<RerankScore> scores;  // [documents]
  int64_t n_tokens = 0;
  int64_t n_cut_tokens = 0;  // beyond the model's context, left out of the documents or the query
};

// Any number of threads may call; they take turns.
class RerankModel {
 public:
  static Result<std::unique_ptr<RerankModel>> load(const std::string& path, const EngineOptions& options);
  ~RerankModel();

  [[nodiscard]] const ModelInfo& info() const { return parts_.info; }
  [[nodiscard]] const model::Encoder& encoder() const { return *encoder_; }

  // Cancel is looked at between batches.
  [[nodiscard]] Result<RerankReport> rank(std::string_view query,
                                          std::span<const std::string_view> documents,
                                          const CancelToken& cancel);
  // Logits of pairs that are tokens already, at most the context each.
  [[nodiscard]] Status rank_tokens(std::span<const std::vector<model::TokenId>> pairs,
                                   std::span<float> logits, const CancelToken& cancel);

 private:
  explicit RerankModel(ModelParts parts) : parts_(std::move(parts)) {}

  ModelParts parts_;
  std::unique_ptr<model::Encoder> encoder_;
  std::mutex mutex_;  // guards the encoder
};

}  // namespace docmind::engine
