// NativeGenerator: answers in the words of a language model that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_generator.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "providers/answer_stream.h"
#include "providers/rag_prompt.h"
#include "providers/written_answer.h"

namespace docmind::providers {
namespace {

constexpr int kPromptTries = 4;

std::string settings_text(const NativeGeneratorOptions& options, int64_t n_context, std::string_view kv_settings) {
  const engine::SamplingOptions& s = options.sampling;
  std::string text = fmt::format("{}/{}/{}/{}/{}/{}/{}/{}", n_context, kv_settings, options.thinking, s.temperature,
                                 s.repetition_penalty, s.presence_penalty, s.frequency_penalty,
                                 s.penalty_window);
  if (s.temperature > 0) text += fmt::format("/{}/{}/{}/{}", s.top_k, s.top_p, s.min_p, s.seed);
  for (const engine::TokenBias& bias : s.biases) text += fmt::format("/{}:{}", bias.token, bias.bias);
  return text;
}

}  // namespace

struct NativeGenerator::Prompt {
  std::vector<engine::TokenId> tokens;
  size_t n_passages = 0;
};

std::string NativeGenerator::identity_with(std::string_view kv_settings) const {
  const engine::ModelInfo& model = model_->info();
  return fmt::format("native/{}/{}/{}/{}/{}", model.architecture, model.name, model.fingerprint, kRagPromptVersion,
                     settings_text(options_, model_->n_context(), kv_settings));
}

ProviderInfo NativeGenerator::info() const { return {model_->info().name, identity_with(model_->kv_settings())}; }

std::string NativeGenerator::identity_now() const { return identity_with(model_->kv_settings_now()); }

// The parts of a prompt are counted apart, so the whole may come out a little longer; it is then
// made again for less.
Result<NativeGenerator::Prompt> NativeGenerator::make_prompt(const GenerateRequest& request) const {
  const auto count = [this](std::string_view text) {
    return model_->tokenizer().encode(text, {.add_special = false, .parse_special = false}).size();
  };
  const auto encode = [this](std::string_view system, std::string_view user) {
    const tokenizer::ChatMessage messages[] = {{"system", system}, {"user", user}};
    return model_->encode_chat(messages, {.add_generation_prompt = true, .thinking = options_.thinking});
  };
  DM_ASSIGN(const std::vector<engine::TokenId> frame, encode(".", "."));
  const int64_t n_context = model_->n_context();
  const int64_t n_answer = std::min<int64_t>(request.max_tokens, n_context / kLeastPromptShare);
  const int64_t n_room = n_context - n_answer - static_cast<int64_t>(frame.size());
  const std::string ending = model_->has_chat_template() ? "" : "\nAnswer:";
  int64_t n_wanted = n_room - static_cast<int64_t>(count(ending));
  for (int attempt = 0;; ++attempt) {
    DM_ASSIGN(RagPrompt text, make_rag_prompt(request.question, request.passages,
                                              static_cast<size_t>(std::max<int64_t>(n_wanted, 0)), count,
                                              request.language));
    Prompt prompt{.tokens = {}, .n_passages = text.n_passages};
    DM_ASSIGN(prompt.tokens, encode(text.system, text.user + ending));
    const int64_t n_over = static_cast<int64_t>(prompt.tokens.size()) - (n_context - n_answer);
    if (n_over <= 0 || attempt == kPromptTries) return prompt;
    n_wanted -= n_over;
  }
}

Result<GenerateResult> NativeGenerator::generate(const GenerateRequest& request, const TextSink& sink,
                                                 const CancelToken& cancel) const {
  DM_ASSIGN(const Prompt prompt, make_prompt(request));
  const std::span<const Passage> given = request.passages.first(prompt.n_passages);
  AnswerStream stream(given.size(), sink);
  const engine::GenerateOptions wanted{.sampling = options_.sampling, .max_tokens = request.max_tokens};
  DM_ASSIGN(const engine::Generation made,
            model_->generate(prompt.tokens, wanted,
                             [&](std::string_view piece) { return stream.feed(piece); }, cancel));
  if (made.finish == engine::FinishReason::kCancelled) return written_answer_stopped();
  DM_ASSIGN(GenerateResult result,
            finish_written_answer(stream, given,
                                  {.finish_reason = engine::finish_reason_name(made.finish),
                                   .n_prompt_tokens = made.n_prompt_tokens,
                                   .n_completion_tokens = made.n_completion_tokens,
                                   .max_tokens = request.max_tokens}));
  if (made.kv_settings != model_->kv_settings()) result.identity = identity_with(made.kv_settings);
  return result;
}

}  // namespace docmind::providers
