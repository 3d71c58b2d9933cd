// NativeLanguageModel: a decoder that reads contexts one after another, for measurements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/model_parts.h"
#include "kv/cache.h"
#include "kv/sequence.h"
#include "model/decoder.h"
#include "providers/native_model_access.h"
#include "quantize/model_access.h"

namespace docmind::providers {

class NativeLanguageModel final : public quantize::LanguageModel {
 public:
  // `observer` may be null; it is borrowed. Errors as ModelAccess::open_language.
  static Result<std::unique_ptr<NativeLanguageModel>> open(const std::string& path, const NativeAccessOptions& options,
                                                           model::ActivationObserver* observer);

  [[nodiscard]] int64_t n_vocab() const override { return decoder_->config().n_vocab; }
  [[nodiscard]] int64_t n_context() const override { return n_context_; }
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text) const override;
  [[nodiscard]] std::optional<int32_t> first_token() const override;
  [[nodiscard]] Status begin_context() override;
  [[nodiscard]] Status logits(std::span<const int32_t> tokens, std::span<float> out) override;

 private:
  explicit NativeLanguageModel(engine::ModelParts parts) : parts_(std::move(parts)) {}
  Status load(const NativeAccessOptions& options, model::ActivationObserver* observer);

  engine::ModelParts parts_;  // outlives what follows
  std::unique_ptr<model::Decoder> decoder_;
  int64_t n_context_ = 0;
  std::unique_ptr<kv::Cache> cache_;
  std::unique_ptr<kv::Sequence> sequence_;
};

}  // namespace docmind::providers
