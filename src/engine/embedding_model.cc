// EmbeddingModel: a loaded encoder that makes vectors of texts.
// SPDX-License-Identifier: Apache-2.0
#include "engine/embedding_model.h"

#include <algorithm>

#include "engine/token_batches.h"

namespace docmind::engine {

EmbeddingModel::~EmbeddingModel() = default;

Result<std::unique_ptr<EmbeddingModel>> EmbeddingModel::load(const std::string& path,
                                                             const EngineOptions& options) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kEmbedding, options));
  std::unique_ptr<EmbeddingModel> model(new EmbeddingModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_ASSIGN(model->encoder_, model::Encoder::load(*own.file, own.load_options(options.progress)));
  DM_TRY(own.check_vocabulary(model->encoder_->config().n_vocab));
  return model;
}

Result<EmbedReport> EmbeddingModel::embed(std::span<const std::string_view> texts,
                                          std::span<float> out, const CancelToken& cancel) {
  EmbedReport report;
  std::vector<std::vector<model::TokenId>> sequences;
  sequences.reserve(texts.size());
  for (const std::string_view text : texts) {
    sequences.push_back(parts_.tokenizer->encode(text, {.add_special = true, .parse_special = false}));
    const int64_t n_cut =
        cut_to(encoder_->config().n_context, parts_.tokenizer->vocabulary(), sequences.back());
    report.n_cut_tokens += n_cut;
    report.n_cut_texts += n_cut > 0 ? 1 : 0;
    report.n_tokens += static_cast<int64_t>(sequences.back().size());
  }
  DM_TRY(embed_tokens(sequences, out, cancel));
  return report;
}

Status EmbeddingModel::embed_tokens(std::span<const std::vector<model::TokenId>> texts,
                                    std::span<float> out, const CancelToken& cancel) {
  const size_t n = dimension();
  std::vector<std::span<const model::TokenId>> batch_tokens;
  std::vector<float> rows;
  const std::lock_guard lock(mutex_);
  for (const std::vector<size_t>& batch : make_batches(texts, ModelParts::kBatchTokens)) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "embedding was stopped"};
    batch_tokens.assign(batch.size(), {});
    for (size_t i = 0; i < batch.size(); ++i) batch_tokens[i] = texts[batch[i]];
    rows.resize(batch.size() * n);
    DM_TRY(encoder_->embed(batch_tokens, true, rows));
    for (size_t i = 0; i < batch.size(); ++i) {
      std::copy_n(rows.data() + i * n, n, out.data() + batch[i] * n);
    }
  }
  return {};
}

}  // namespace docmind::engine
