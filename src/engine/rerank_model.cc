// RerankModel: a loaded cross-encoder that scores documents for a query.
// SPDX-License-Identifier: Apache-2.0
#include "engine/rerank_model.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::engine {

RerankModel::~RerankModel() = default;

Result<std::unique_ptr<RerankModel>> RerankModel::load(const std::string& path, const EngineOptions& options,
                                                       const EncoderQueueOptions& queue) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kRerank, options));
  std::unique_ptr<RerankModel> model(new RerankModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_ASSIGN(model->encoder_, model::Encoder::load(*own.file, own.load_options(options.progress)));
  DM_TRY(own.check_vocabulary(model->encoder_->config().n_vocab));
  if (!model->encoder_->config().has_classifier) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("'{}' has a part of a classifier, but not all of it", printable(path))};
  }
  model->queue_ = std::make_unique<Queue>(
      [own_model = model.get()](std::span<const TokenSequence> pairs) { return own_model->process(pairs); },
      sequence_cost, queue.batches);
  return model;
}

Result<RerankReport> RerankModel::rank(std::string_view query, std::span<const std::string_view> documents,
                                       const CancelToken& cancel, const BatchCall& call) {
  RerankReport report;
  std::vector<TokenSequence> pairs;
  pairs.reserve(documents.size());
  for (const std::string_view document : documents) {
    size_t n_cut = 0;
    pairs.push_back(parts_.tokenizer->encode_pair(
        query, document, static_cast<size_t>(encoder_->config().n_context), &n_cut));
    report.n_cut_tokens += static_cast<int64_t>(n_cut);
    report.n_tokens += static_cast<int64_t>(pairs.back().size());
  }
  std::vector<float> logits(documents.size());
  DM_TRY(rank_sequences(std::move(pairs), logits, cancel, call));
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

Status RerankModel::rank_tokens(std::span<const TokenSequence> pairs, std::span<float> logits,
                                const CancelToken& cancel, const BatchCall& call) {
  return rank_sequences({pairs.begin(), pairs.end()}, logits, cancel, call);
}

Status RerankModel::rank_sequences(std::vector<TokenSequence> pairs, std::span<float> logits,
                                   const CancelToken& cancel, const BatchCall& call) {
  if (logits.size() != pairs.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} pairs give as many scores, not {}", pairs.size(), logits.size())};
  }
  DM_ASSIGN(const Queue::Answers scores, queue_->run(std::move(pairs), cancel, call));
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!scores[i].ok()) return scores[i].error();
    logits[i] = *scores[i];
  }
  return {};
}

Result<RerankModel::Queue::Answers> RerankModel::process(std::span<const TokenSequence> pairs) {
  views_.assign(pairs.begin(), pairs.end());
  logits_.resize(pairs.size());
  DM_TRY(encoder_->rank(views_, logits_));
  return Queue::Answers(logits_.begin(), logits_.end());
}

}  // namespace docmind::engine
