// Models made of a few lines, for tests of the measurement.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quantize/model_access.h"

namespace docmind::quantize::test {

// Logits of the next token from those so far in the context.
using LogitRule = std::function<std::vector<float>(const std::vector<int32_t>& context)>;

struct FakeLanguage {
  int64_t n_vocab = 8;
  int64_t n_context = 64;
  std::optional<int32_t> first_token{};
  LogitRule logits;
  std::function<std::vector<int32_t>(std::string_view)> encode{};  // none: a byte a token, modulo n_vocab
  Status fails{};                                                   // of every pass
};

class FakeLanguageModel final : public LanguageModel {
 public:
  explicit FakeLanguageModel(FakeLanguage spec) : spec_(std::move(spec)) {}
  [[nodiscard]] int64_t n_vocab() const override { return spec_.n_vocab; }
  [[nodiscard]] int64_t n_context() const override { return spec_.n_context; }
  [[nodiscard]] std::optional<int32_t> first_token() const override { return spec_.first_token; }
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text) const override {
    if (spec_.encode) return spec_.encode(text);
    std::vector<int32_t> tokens;
    for (const char byte : text) {
      tokens.push_back(static_cast<int32_t>(static_cast<unsigned char>(byte) % spec_.n_vocab));
    }
    return tokens;
  }
  [[nodiscard]] Status begin_context() override {
    context_.clear();
    return {};
  }
  [[nodiscard]] Status logits(std::span<const int32_t> tokens, std::span<float> out) override {
    DM_TRY(Status(spec_.fails));
    auto to = out.begin();
    for (const int32_t token : tokens) {
      context_.push_back(token);
      if (std::ssize(context_) > spec_.n_context) return Error{ErrorCode::kLimit, "the context is full"};
      const std::vector<float> row = spec_.logits(context_);
      to = std::copy(row.begin(), row.end(), to);
    }
    return {};
  }

 private:
  FakeLanguage spec_;
  std::vector<int32_t> context_;
};

using EmbedRule = std::function<std::vector<float>(std::string_view text)>;
class FakeEmbedder final : public EmbeddingModel {
 public:
  FakeEmbedder(int64_t dimension, EmbedRule rule) : dimension_(dimension), rule_(std::move(rule)) {}
  [[nodiscard]] int64_t dimension() const override { return dimension_; }
  [[nodiscard]] Status embed(std::span<const std::string_view> texts, std::span<float> out) override {
    auto to = out.begin();
    for (const std::string_view text : texts) {
      const std::vector<float> row = rule_(text);
      to = std::copy(row.begin(), row.end(), to);
    }
    return {};
  }

 private:
  int64_t dimension_;
  EmbedRule rule_;
};

using RankRule = std::function<float(std::string_view query, std::string_view document)>;
class FakeReranker final : public RerankModel {
 public:
  explicit FakeReranker(RankRule rule) : rule_(std::move(rule)) {}
  [[nodiscard]] Result<std::vector<float>> rank(std::string_view query,
                                                std::span<const std::string_view> documents) override {
    std::vector<float> logits;
    for (const std::string_view document : documents) logits.push_back(rule_(query, document));
    return logits;
  }

 private:
  RankRule rule_;
};

// Models by path.
class FakeAccess final : public ModelAccess {
 public:
  std::map<std::string, FakeLanguage> languages;
  std::map<std::string, std::pair<int64_t, EmbedRule>> embedders;
  std::map<std::string, RankRule> rerankers;

  [[nodiscard]] Result<ModelKind> kind(const std::string& path) override {
    if (languages.contains(path)) return ModelKind::kLanguage;
    if (embedders.contains(path)) return ModelKind::kEmbedding;
    if (rerankers.contains(path)) return ModelKind::kRerank;
    return Error{ErrorCode::kNotFound, "there is no '" + path + "'"};
  }
  [[nodiscard]] Result<std::unique_ptr<LanguageModel>> open_language(const std::string& path) override {
    return std::unique_ptr<LanguageModel>(std::make_unique<FakeLanguageModel>(languages.at(path)));
  }
  [[nodiscard]] Result<std::unique_ptr<EmbeddingModel>> open_embedding(const std::string& path) override {
    const auto& [dimension, rule] = embedders.at(path);
    return std::unique_ptr<EmbeddingModel>(std::make_unique<FakeEmbedder>(dimension, rule));
  }
  [[nodiscard]] Result<std::unique_ptr<RerankModel>> open_rerank(const std::string& path) override {
    return std::unique_ptr<RerankModel>(std::make_unique<FakeReranker>(rerankers.at(path)));
  }
  [[nodiscard]] Result<Importance> calibrate(const std::string&, std::string_view,
                                             const std::function<bool(int64_t, int64_t)>&) override {
    return Importance{};
  }
};

}  // namespace docmind::quantize::test
