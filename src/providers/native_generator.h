// NativeGenerator: answers in the words of a language model that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/text_model.h"
#include "providers/provider.h"

namespace docmind::providers {

struct NativeGeneratorOptions {
  engine::SamplingOptions sampling;
  bool thinking = false;  // where the model can
};

class NativeGenerator final : public Generator {
 public:
  NativeGenerator(std::shared_ptr<engine::TextModel> model, NativeGeneratorOptions options)
      : model_(std::move(model)), options_(std::move(options)) {}

  // The identity has the model's fingerprint, the prompt's version and all settings that change the
  // text. Instruction sets and threads are not in it: they differ in rounding only.
  [[nodiscard]] ProviderInfo info() const override;
  // With keys and values in the format of new texts (engine::SchedulerSetpoints).
  [[nodiscard]] std::string identity_now() const override;

  // Cites the passages that fit into the model's context. Evidence is found by words (find_evidence);
  // an answer without any mark gets, at its end, those of the passages it clearly stands on. kLimit
  // when nothing fits, or when the model thinks until max_tokens.
  [[nodiscard]] Result<GenerateResult> generate(const GenerateRequest& request, const TextSink& sink,
                                                const CancelToken& cancel) const override;
  [[nodiscard]] bool quotes_documents() const override { return false; }

 private:
  struct Prompt;
  Result<Prompt> make_prompt(const GenerateRequest& request) const;
  [[nodiscard]] std::string identity_with(std::string_view kv_settings) const;

  std::shared_ptr<engine::TextModel> model_;
  NativeGeneratorOptions options_;
};

}  // namespace docmind::providers
