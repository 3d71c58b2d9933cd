// EmbeddingModel: a loaded encoder that makes vectors of texts.
// SPDX-License-Identifier: Apache-2.0
#include "engine/embedding_model.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/cut_tokens.h"

namespace docmind::engine {

EmbeddingModel::~EmbeddingModel() = default;

Result<std::unique_ptr<EmbeddingModel>> EmbeddingModel::load(const std::string& path, const EngineOptions& options,
                                                             const EncoderQueueOptions& queue) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kEmbedding, options));
  std::unique_ptr<EmbeddingModel> model(new EmbeddingModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_ASSIGN(model->encoder_, model::Encoder::load(*own.file, own.load_options(options.progress)));
  DM_TRY(own.check_vocabulary(model->encoder_->config().n_vocab));
  model->queue_ = std::make_unique<Queue>(
      [own_model = model.get()](std::span<const TokenSequence> texts) { return own_model->process(texts); },
      sequence_cost, queue.batches);
  return model;
}

Result<EmbedReport> EmbeddingModel::embed(std::span<const std::string_view> texts, std::span<float> out,
                                          const CancelToken& cancel, const BatchCall& call) {
  EmbedReport report;
  std::vector<TokenSequence> sequences;
  sequences.reserve(texts.size());
  for (const std::string_view text : texts) {
    sequences.push_back(parts_.tokenizer->encode(text, {.add_special = true, .parse_special = false}));
    const int64_t n_cut =
        cut_to(encoder_->config().n_context, parts_.tokenizer->vocabulary(), sequences.back());
    report.n_cut_tokens += n_cut;
    report.n_cut_texts += n_cut > 0 ? 1 : 0;
    report.n_tokens += static_cast<int64_t>(sequences.back().size());
  }
  DM_TRY(embed_sequences(std::move(sequences), out, cancel, call));
  return report;
}

Status EmbeddingModel::embed_tokens(std::span<const TokenSequence> texts, std::span<float> out,
                                    const CancelToken& cancel, const BatchCall& call) {
  return embed_sequences({texts.begin(), texts.end()}, out, cancel, call);
}

Status EmbeddingModel::embed_sequences(std::vector<TokenSequence> texts, std::span<float> out,
                                       const CancelToken& cancel, const BatchCall& call) {
  if (out.size() != texts.size() * dimension()) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} texts give {} numbers, not {}", texts.size(),
                                                          texts.size() * dimension(), out.size())};
  }
  DM_ASSIGN(const Queue::Answers vectors, queue_->run(std::move(texts), cancel, call));
  float* to = out.data();
  for (const Result<std::vector<float>>& vector : vectors) {
    if (!vector.ok()) return vector.error();
    to = std::copy(vector->begin(), vector->end(), to);
  }
  return {};
}

Result<EmbeddingModel::Queue::Answers> EmbeddingModel::process(std::span<const TokenSequence> texts) {
  const size_t n = dimension();
  views_.assign(texts.begin(), texts.end());
  rows_.resize(texts.size() * n);
  DM_TRY(encoder_->embed(views_, true, rows_));
  Queue::Answers vectors;
  vectors.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto row = rows_.begin() + static_cast<ptrdiff_t>(i * n);
    vectors.emplace_back(std::vector<float>(row, row + static_cast<ptrdiff_t>(n)));
  }
  return vectors;
}

}  // namespace docmind::engine
