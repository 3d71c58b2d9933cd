// OllamaUpstream: Ollama in its own protocol, which says more than the OpenAI-shaped one: context, digest, counts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <span>
#include <string_view>
#include <vector>

#include "providers/upstream_base.h"

namespace docmind::providers {

class OllamaUpstream final : public UpstreamBase {
 public:
  explicit OllamaUpstream(const UpstreamOptions& options) : UpstreamBase(options) {}

  [[nodiscard]] Result<std::vector<UpstreamModel>> models(const CancelToken& cancel) override;
  [[nodiscard]] UpstreamHealth health(const CancelToken& cancel) override;
  [[nodiscard]] Result<ChatResult> chat(const ChatRequest& request, const TextSink& sink,
                                        const CancelToken& cancel) override;
  // An estimate; Ollama has no route for it.
  [[nodiscard]] Result<int64_t> count_tokens(std::string_view text, const CancelToken& cancel) override;
  [[nodiscard]] Result<std::vector<std::vector<float>>> embed(std::span<const std::string_view> texts,
                                                              const CancelToken& cancel) override;
  [[nodiscard]] Result<std::vector<double>> rerank(std::string_view query, std::span<const std::string_view> documents,
                                                   const CancelToken& cancel) override;

 private:
  struct Listed;  // one of /api/tags
  Result<UpstreamCapabilities> discover(const CancelToken& cancel) override;
  Result<std::vector<Listed>> list(const CancelToken& cancel);
  Result<Listed> find_model(const CancelToken& cancel);
  Result<int64_t> context_for(const UpstreamCapabilities& known, const ChatRequest& request);

  // The largest num_ctx asked for: Ollama loads its model again for another one, so it only grows.
  std::atomic<int64_t> n_context_asked_{0};
  std::atomic<bool> counts_cached_{true};  // whether prompt_eval_count has the tokens that were cached
};

}  // namespace docmind::providers
