// TextModel: a loaded language model that continues prompts, one at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/load_options.h"
#include "engine/model_parts.h"
#include "engine/sampler.h"
#include "model/decoder.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

struct GenerateOptions {
  SamplingOptions sampling;
  int64_t max_tokens = 512;
  std::vector<std::string> stop = {};  // the text ends before the first of them
  bool ignore_end = false;             // go on after the model's end marks, for measurements
};

enum class FinishReason { kStop, kLength, kCancelled };
[[nodiscard]] std::string_view finish_reason_name(FinishReason reason);  // "stop"

// One generated token with its log-probabilities.
struct ScoredToken {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};

struct Generation {
  std::string text;  // valid UTF-8; all that the sink got
  FinishReason finish = FinishReason::kStop;
  int64_t n_prompt_tokens = 0;
  int64_t n_reused_tokens = 0;      // of the prompt, known from the text before
  int64_t n_completion_tokens = 0;  // without an end mark
  double prefill_ms = 0;
  double decode_ms = 0;             // after the first token
  double first_token_ms = 0;        // from the call, waiting for other callers included
  std::vector<ScoredToken> scored = {};  // if sampling.n_top_logprobs is set

  [[nodiscard]] double prefill_tps() const;
  [[nodiscard]] double decode_tps() const;
};

// Gets whole UTF-8 characters as they come; returning false ends the text (FinishReason::kCancelled).
using PieceSink = std::function<bool(std::string_view piece)>;

// Any number of threads may call; they take turns. The keys and values of the last text are kept, so
// that a prompt that begins like it (the next turn of a conversation, the same passages with another
// question) costs only what is new.
class TextModel {
 public:
  static Result<std::unique_ptr<TextModel>> load(const std::string& path, const EngineOptions& options);
  ~TextModel();

  [[nodiscard]] const ModelInfo& info() const { return parts_.info; }
  [[nodiscard]] const tokenizer::Tokenizer& tokenizer() const { return *parts_.tokenizer; }
  [[nodiscard]] const model::Decoder& decoder() const { return *decoder_; }
  [[nodiscard]] int64_t n_context() const { return n_context_; }

  // The prompt of a conversation. A model without a chat template gets the contents one after the
  // other as plain text; a template of an unknown family is kUnsupported.
  [[nodiscard]] Result<std::vector<TokenId>> encode_chat(
      std::span<const tokenizer::ChatMessage> messages, const tokenizer::ChatOptions& options) const;
  // Whether there is a chat template, of a known family or not.
  [[nodiscard]] bool has_chat_template() const { return has_chat_template_; }
  // Whether it can think before it answers, as ChatOptions::thinking asks for.
  [[nodiscard]] bool can_think() const { return family_ == tokenizer::ChatFamily::kQwen3; }

  // kLimit names both numbers when the prompt leaves no room in the context; text that fills the
  // context ends with kLength. `sink` may be empty.
  [[nodiscard]] Result<Generation> generate(std::span<const TokenId> prompt,
                                            const GenerateOptions& options, const PieceSink& sink,
                                            const CancelToken& cancel);

 private:
  explicit TextModel(ModelParts parts) : parts_(std::move(parts)) {}
  Status check_prompt(std::span<const TokenId> prompt, const GenerateOptions& options) const;
  Status prefill(std::span<const TokenId> prompt, const CancelToken& cancel, Generation& out);
  Status append(std::span<const TokenId> tokens, std::span<float> logits);
  Status decode(const GenerateOptions& options, const PieceSink& sink, const CancelToken& cancel,
                const Stopwatch& clock, Generation& out);

  ModelParts parts_;
  std::unique_ptr<model::Decoder> decoder_;
  std::optional<tokenizer::ChatFamily> family_;
  std::optional<Error> family_error_;  // the template is of no known family
  bool has_chat_template_ = false;
  int64_t n_context_ = 0;

  std::mutex mutex_;  // guards what follows and the decoder
  std::unique_ptr<model::Sequence> sequence_;
  std::vector<TokenId> held_;  // the tokens in the sequence
  std::vector<float> logits_;  // [n_vocab]
};

}  // namespace docmind::engine
