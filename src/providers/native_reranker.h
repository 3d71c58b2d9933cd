// NativeReranker: judges passages with a cross-encoder that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/rerank_model.h"
#include "providers/provider.h"

namespace docmind::providers {

class NativeReranker final : public Reranker {
 public:
  explicit NativeReranker(std::shared_ptr<engine::RerankModel> model) : model_(std::move(model)) {}

  [[nodiscard]] ProviderInfo info() const override;
  // Probabilities, 0 to 1: the sigmoid of the model's logits. It sees heading and text.
  [[nodiscard]] Result<std::vector<double>> rerank(std::string_view question,
                                                   std::span<const Passage> passages,
                                                   const CancelToken& cancel) const override;

 private:
  std::shared_ptr<engine::RerankModel> model_;
};

}  // namespace docmind::providers
