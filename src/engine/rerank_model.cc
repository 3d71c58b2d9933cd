// RerankModel: a loaded cross-encoder that scores documents for a query.
// SPDX-License-Identifier: Apache-2.0
#include "engine/rerank_model.h"

#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/token_batches.h"

namespace docmind::engine {

RerankModel::~RerankModel() = default;

Result<std::unique_ptr<RerankModel>> RerankModel::load(const std::string& path,
                                                       const EngineOptions& options) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kRerank, options));
  std::unique_ptr<RerankModel> model(new RerankModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_ASSIGN(model->encoder_, model::Encoder::load(*own.file, own.load_options(options.progress)));
  DM_TRY(own.check_vocabulary(model->encoder_->config().n_vocab));
  if (!model->encoder_->config().has_classifier) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("'{}' has a part of a classifier, but not all of it", printable(path))};
  }
  return model;
}

Result<RerankReport> RerankModel::rank(std::string_view query,
                                       std::span<const std::string_view> documents,
                                       const CancelToken& cancel) {
  RerankReport report;
  std::vector<std::vector<model::TokenId>> pairs;
  pairs.reserve(documents.size());
  for (const std::string_view document : documents) {
    size_t n_cut = 0;
    pairs.push_back(parts_.tokenizer->encode_pair(
        query, document, static_cast<size_t>(encoder_->config().n_context), &n_cut));
    report.n_cut_tokens += static_cast<int64_t>(n_cut);
    report.n_tokens += static_cast<int64_t>(pairs.back().size());
  }
  std::vector<float> logits(documents.size());
  DM_TRY(rank_tokens(pairs, logits, cancel));
  for (const float logit : logits) {
    if (!std::isfinite(logit)) {
      return Error{ErrorCode::kMalformed,
                   fmt::format("the reranker '{}' gives a score that is no number; its weights are "
                               "damaged", info().name)};
    }
    report.scores.push_back({logit, 1 / (1 + std::exp(-static_cast<double>(logit)))});
  }
  return report;
}

Status RerankModel::rank_tokens(std::span<const std::vector<model::TokenId>> pairs,
                                std::span<float> logits, const CancelToken& cancel) {
  std::vector<std::span<const model::TokenId>> batch_tokens;
  std::vector<float> scores;
  const std::lock_guard lock(mutex_);
  for (const std::vector<size_t>& batch : make_batches(pairs, ModelParts::kBatchTokens)) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "reranking was stopped"};
    batch_tokens.assign(batch.size(), {});
    for (size_t i = 0; i < batch.size(); ++i) batch_tokens[i] = pairs[batch[i]];
    scores.resize(batch.size());
    DM_TRY(encoder_->rank(batch_tokens, scores));
    for (size_t i = 0; i < batch.size(); ++i) logits[batch[i]] = scores[i];
  }
  return {};
}

}  // namespace docmind::engine
