// TextModel: a loaded language model that continues prompts, many at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/generation.h"
#include "engine/load_options.h"
#include "engine/model_parts.h"
#include "engine/scheduler.h"
#include "engine/text_request.h"
#include "engine/text_stream.h"
#include "model/decoder.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Any number of threads may call; their texts are generated together. What prompts have in common (the
// turns of a conversation, the same passages with another question) is kept and costs nothing again.
class TextModel {
 public:
  static Result<std::unique_ptr<TextModel>> load(const std::string& path, const EngineOptions& options);
  ~TextModel();  // texts that are not finished end with kCancelled

  [[nodiscard]] const ModelInfo& info() const { return parts_.info; }
  [[nodiscard]] const tokenizer::Tokenizer& tokenizer() const { return *parts_.tokenizer; }
  [[nodiscard]] const model::Decoder& decoder() const { return *decoder_; }
  [[nodiscard]] int64_t n_context() const { return n_context_; }
  // How keys and values are kept, "int4/64/128": another text, and the model may write other words. As configured;
  // Generation::kv_settings says how those of a text were.
  [[nodiscard]] const std::string& kv_settings() const { return kv_settings_; }
  // The same of texts that begin now, after set().
  [[nodiscard]] std::string kv_settings_now() const { return scheduler_->kv_settings(); }

  // The prompt of a conversation. A model without a chat template gets the contents one after the
  // other as plain text; a template of an unknown family is kUnsupported.
  [[nodiscard]] Result<std::vector<TokenId>> encode_chat(
      std::span<const tokenizer::ChatMessage> messages, const tokenizer::ChatOptions& options) const;
  // Whether there is a chat template, of a known family or not.
  [[nodiscard]] bool has_chat_template() const { return has_chat_template_; }
  // Whether it can think before it answers, as ChatOptions::thinking asks for.
  [[nodiscard]] bool can_think() const { return family_ == tokenizer::ChatFamily::kQwen3; }

  // The family of its chat template, if it is a known one.
  [[nodiscard]] std::optional<tokenizer::ChatFamily> chat_family() const { return family_; }
  // Whether its template knows tools; without, encode_chat() refuses ChatOptions::tools with kUnsupported.
  [[nodiscard]] bool can_use_tools() const { return knows_tools_; }

  // Waits for the whole text; `sink` gets its pieces on the calling thread and may be empty. kLimit names both
  // numbers when the prompt leaves no room in the context; text that fills the context ends with kLength.
  // Other errors as submit().
  [[nodiscard]] Result<Generation> generate(std::span<const TokenId> prompt,
                                            const GenerateOptions& options, const PieceSink& sink,
                                            const CancelToken& cancel);
  // Returns at once; the stream has the text as it comes. Errors as Scheduler::submit: kBusy when too many
  // requests wait, and retry_after_ms() is then the time that its sentence names.
  [[nodiscard]] Result<std::unique_ptr<TextStream>> submit(TextRequest request);
  // `n` texts of one prompt, which is computed once; see Scheduler::submit_many.
  [[nodiscard]] Result<std::vector<std::unique_ptr<TextStream>>> submit_many(TextRequest request, int64_t n);
  [[nodiscard]] int64_t retry_after_ms() const { return scheduler_->retry_after_ms(); }

  // From the next step on; sizes up to those that the model was loaded with. Errors as Scheduler::set.
  Status set(const SchedulerSetpoints& setpoints) { return scheduler_->set(setpoints); }
  [[nodiscard]] SchedulerStats stats() const { return scheduler_->stats(); }

  // Writes what prompts may have in common, the most recently used first, up to `max_bytes`, so that the next process
  // starts warm; of the configured format, and bound to it and this model. The number of tokens that were read back.
  [[nodiscard]] Status save_prefixes(const std::string& path, size_t max_bytes) {
    return scheduler_->save_prefixes(path, max_bytes);
  }
  [[nodiscard]] Result<int64_t> restore_prefixes(const std::string& path) { return scheduler_->restore_prefixes(path); }

 private:
  explicit TextModel(ModelParts parts) : parts_(std::move(parts)) {}
  Status read_chat_template();
  Status start_scheduler(const EngineOptions& options);

  ModelParts parts_;
  std::unique_ptr<model::Decoder> decoder_;
  std::optional<tokenizer::ChatFamily> family_;
  std::optional<Error> family_error_;  // the template is of no known family
  bool has_chat_template_ = false;
  bool knows_tools_ = false;
  int64_t n_context_ = 0;
  std::string kv_settings_;
  std::unique_ptr<Scheduler> scheduler_;  // its thread uses the decoder and the team from load() on
};

}  // namespace docmind::engine
