// NativeReranker: judges passages with a cross-encoder that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_reranker.h"

#include <string>

#include <fmt/format.h>

namespace docmind::providers {

ProviderInfo NativeReranker::info() const {
  const engine::ModelInfo& model = model_->info();
  return {model.name,
          fmt::format("native/{}/{}/{}", model.architecture, model.name, model.fingerprint)};
}

Result<std::vector<double>> NativeReranker::rerank(std::string_view question,
                                                   std::span<const Passage> passages,
                                                   const CancelToken& cancel) const {
  std::vector<std::string> texts;
  texts.reserve(passages.size());
  for (const Passage& passage : passages) {
    const std::string_view heading = passage.heading.empty() ? passage.title : passage.heading;
    texts.push_back(std::string(heading) + (heading.empty() ? "" : "\n") + std::string(passage.text));
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  DM_ASSIGN(const engine::RerankReport report, model_->rank(question, views, cancel));
  std::vector<double> scores;
  for (const engine::RerankScore& score : report.scores) scores.push_back(score.probability);
  return scores;
}

}  // namespace docmind::providers
