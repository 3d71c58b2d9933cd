// ModelAccess: what a measurement needs of a loaded model, as an interface that a higher layer implements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "quantize/importance.h"

namespace docmind::quantize {

// One at a time is loaded; for one thread.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  [[nodiscard]] virtual int64_t n_vocab() const = 0;
  [[nodiscard]] virtual int64_t n_context() const = 0;
  // The text alone, without tokens before and after it.
  [[nodiscard]] virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // What each context begins with (BOS), where the model wants that.
  [[nodiscard]] virtual std::optional<int32_t> first_token() const { return std::nullopt; }
  // Forgets all tokens; a context begins.
  [[nodiscard]] virtual Status begin_context() = 0;
  // The logits after each of `tokens`, which follow those of this context; out [tokens.size(), n_vocab()].
  [[nodiscard]] virtual Status logits(std::span<const int32_t> tokens, std::span<float> out) = 0;
};

class EmbeddingModel {
 public:
  virtual ~EmbeddingModel() = default;
  [[nodiscard]] virtual int64_t dimension() const = 0;
  // One row of unit length a text, out [texts.size(), dimension()]. A text longer than the context loses its end, as
  // it does with any model of that context.
  [[nodiscard]] virtual Status embed(std::span<const std::string_view> texts, std::span<float> out) = 0;
};

class RerankModel {
 public:
  virtual ~RerankModel() = default;
  // One logit a document.
  [[nodiscard]] virtual Result<std::vector<float>> rank(std::string_view query,
                                                        std::span<const std::string_view> documents) = 0;
};

enum class ModelKind { kLanguage, kEmbedding, kRerank };

// Opens models of a file. Errors as the engine's loading; kLimit, before anything is loaded, names the memory that is
// needed and the memory that there is.
class ModelAccess {
 public:
  virtual ~ModelAccess() = default;
  [[nodiscard]] virtual Result<ModelKind> kind(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<LanguageModel>> open_language(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<EmbeddingModel>> open_embedding(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<RerankModel>> open_rerank(const std::string& path) = 0;
  // Runs `text` through the model of any kind and notes the mean squares of what each matrix is multiplied with.
  // `step` is called with what is done and what there is; false stops (kCancelled).
  using CalibrationStep = std::function<bool(int64_t n_done, int64_t n_total)>;
  [[nodiscard]] virtual Result<Importance> calibrate(const std::string& path, std::string_view text,
                                                     const CalibrationStep& step) = 0;
};

}  // namespace docmind::quantize
