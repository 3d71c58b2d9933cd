// OpenAiUpstream: servers that speak OpenAI's protocol: llama.cpp's, vLLM, LM Studio, docmind's own and others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "providers/upstream_base.h"

namespace docmind::providers {

class OpenAiUpstream final : public UpstreamBase {
 public:
  explicit OpenAiUpstream(const UpstreamOptions& options);

  [[nodiscard]] Result<std::vector<UpstreamModel>> models(const CancelToken& cancel) override;
  [[nodiscard]] UpstreamHealth health(const CancelToken& cancel) override;
  [[nodiscard]] Result<ChatResult> chat(const ChatRequest& request, const TextSink& sink,
                                        const CancelToken& cancel) override;
  [[nodiscard]] Result<int64_t> count_tokens(std::string_view text, const CancelToken& cancel) override;
  [[nodiscard]] Result<std::vector<std::vector<float>>> embed(std::span<const std::string_view> texts,
                                                              const CancelToken& cancel) override;
  [[nodiscard]] Result<std::vector<double>> rerank(std::string_view query, std::span<const std::string_view> documents,
                                                   const CancelToken& cancel) override;

 private:
  struct Listed;  // one of /v1/models
  Result<UpstreamCapabilities> discover(const CancelToken& cancel) override;
  Result<std::vector<Listed>> list(const CancelToken& cancel);
  Result<Listed> find_model(const CancelToken& cancel);
  void ask_llama_cpp(UpstreamCapabilities& found, const CancelToken& cancel);
  void ask_vllm(UpstreamCapabilities& found, const CancelToken& cancel);
  void ask_lm_studio(UpstreamCapabilities& found, const CancelToken& cancel);
  UpstreamCall tokenize_call(std::string_view model, std::string_view text) const;

  // The protocol's variant: that of the spec, or what the list of models tells.
  std::atomic<UpstreamKind> dialect_;
  std::atomic<bool> short_rerank_path_{false};  // "/rerank", as older servers have it
};

}  // namespace docmind::providers
