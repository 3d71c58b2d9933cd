// make_native_model_access: the models of files, run by this process, for measurements.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_model_access.h"

#include <string>
#include <utility>

#include "engine/embedding_model.h"
#include "engine/model_kind.h"
#include "engine/rerank_model.h"
#include "gguf/file.h"
#include "providers/native_calibration.h"
#include "providers/native_language_model.h"

namespace docmind::providers {
namespace {

class MeasuredEmbedder final : public quantize::EmbeddingModel {
 public:
  explicit MeasuredEmbedder(std::unique_ptr<engine::EmbeddingModel> model) : model_(std::move(model)) {}

  [[nodiscard]] int64_t dimension() const override { return static_cast<int64_t>(model_->dimension()); }
  [[nodiscard]] Status embed(std::span<const std::string_view> texts, std::span<float> out) override {
    Result<engine::EmbedReport> report = model_->embed(texts, out, CancelToken{});
    return report.ok() ? Status() : Status(std::move(report).error());
  }

 private:
  std::unique_ptr<engine::EmbeddingModel> model_;
};

class MeasuredReranker final : public quantize::RerankModel {
 public:
  explicit MeasuredReranker(std::unique_ptr<engine::RerankModel> model) : model_(std::move(model)) {}

  [[nodiscard]] Result<std::vector<float>> rank(std::string_view query,
                                                std::span<const std::string_view> documents) override {
    DM_ASSIGN(const engine::RerankReport report, model_->rank(query, documents, CancelToken{}));
    std::vector<float> logits;
    for (const engine::RerankScore& score : report.scores) logits.push_back(score.logit);
    return logits;
  }

 private:
  std::unique_ptr<engine::RerankModel> model_;
};

class NativeModelAccess final : public quantize::ModelAccess {
 public:
  explicit NativeModelAccess(NativeAccessOptions options) : options_(std::move(options)) {
    options_.engine.quantize = model::QuantizeOnLoad::kNone;
  }

  [[nodiscard]] Result<quantize::ModelKind> kind(const std::string& path) override {
    DM_ASSIGN(const gguf::File file, gguf::File::open(path));
    DM_ASSIGN(const engine::ModelKind kind, engine::model_kind_of(file));
    switch (kind) {
      case engine::ModelKind::kText: return quantize::ModelKind::kLanguage;
      case engine::ModelKind::kEmbedding: return quantize::ModelKind::kEmbedding;
      case engine::ModelKind::kRerank: return quantize::ModelKind::kRerank;
    }
    return Error{ErrorCode::kInternal, "a model of no kind"};
  }

  [[nodiscard]] Result<std::unique_ptr<quantize::LanguageModel>> open_language(const std::string& path) override {
    DM_ASSIGN(std::unique_ptr<quantize::LanguageModel> model, NativeLanguageModel::open(path, options_, nullptr));
    return model;
  }

  [[nodiscard]] Result<std::unique_ptr<quantize::EmbeddingModel>> open_embedding(const std::string& path) override {
    DM_TRY(check_encoder_memory(path, options_));
    DM_ASSIGN(auto model, engine::EmbeddingModel::load(path, options_.engine));
    return std::unique_ptr<quantize::EmbeddingModel>(std::make_unique<MeasuredEmbedder>(std::move(model)));
  }

  [[nodiscard]] Result<std::unique_ptr<quantize::RerankModel>> open_rerank(const std::string& path) override {
    DM_TRY(check_encoder_memory(path, options_));
    DM_ASSIGN(auto model, engine::RerankModel::load(path, options_.engine));
    return std::unique_ptr<quantize::RerankModel>(std::make_unique<MeasuredReranker>(std::move(model)));
  }

  [[nodiscard]] Result<quantize::Importance> calibrate(const std::string& path, std::string_view text,
                                                       const CalibrationStep& step) override {
    DM_ASSIGN(const quantize::ModelKind model_kind, kind(path));
    return calibrate_model(path, model_kind, text, options_, step);
  }

 private:
  NativeAccessOptions options_;
};

}  // namespace

std::unique_ptr<quantize::ModelAccess> make_native_model_access(NativeAccessOptions options) {
  return std::make_unique<NativeModelAccess>(std::move(options));
}

}  // namespace docmind::providers
