// The reranker over another server's cross-encoder.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "providers/upstream.h"
#include "providers/upstream_identity.h"

namespace docmind::providers {
namespace {

class UpstreamReranker final : public Reranker {
 public:
  explicit UpstreamReranker(std::shared_ptr<Upstream> upstream) : upstream_(std::move(upstream)) {}

  ProviderInfo info() const override {
    const Result<UpstreamCapabilities> known = upstream_->capabilities({});
    return {upstream_label(*upstream_),
            upstream_identity(*upstream_, known.ok() ? *known : UpstreamCapabilities{})};
  }
  Result<std::vector<double>> rerank(std::string_view question, std::span<const Passage> passages,
                                     const CancelToken& cancel) const override;

 private:
  std::shared_ptr<Upstream> upstream_;
  // llama.cpp gives logits, vLLM probabilities; one value beyond 0 to 1 tells which.
  mutable std::atomic<bool> gives_logits_{false};
};

Result<std::vector<double>> UpstreamReranker::rerank(std::string_view question, std::span<const Passage> passages,
                                                     const CancelToken& cancel) const {
  std::vector<std::string> texts;
  texts.reserve(passages.size());
  for (const Passage& passage : passages) {
    const std::string_view heading = passage.heading.empty() ? passage.title : passage.heading;
    texts.push_back(std::string(heading) + (heading.empty() ? "" : "\n") + std::string(passage.text));
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  DM_ASSIGN(std::vector<double> scores, upstream_->rerank(question, views, cancel));
  if (std::ranges::any_of(scores, [](double score) { return score < 0 || score > 1; })) gives_logits_ = true;
  if (gives_logits_) {
    for (double& score : scores) score = 1 / (1 + std::exp(-score));
  }
  return scores;
}

}  // namespace

std::unique_ptr<Reranker> make_upstream_reranker(std::shared_ptr<Upstream> upstream) {
  return std::make_unique<UpstreamReranker>(std::move(upstream));
}

}  // namespace docmind::providers
