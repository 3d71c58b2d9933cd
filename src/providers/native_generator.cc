// NativeGenerator: answers in the words of a language model that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_generator.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "providers/answer_stream.h"
#include "providers/find_evidence.h"
#include "providers/rag_prompt.h"

namespace docmind::providers {
namespace {

// At least this part of the context is for the prompt, however long an answer may be.
constexpr int64_t kLeastPromptShare = 2;
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

// The passages that evidence names, as marks in order of use.
std::string marks_of(std::span<const Evidence> evidence) {
  std::vector<size_t> seen;
  std::string marks;
  for (const Evidence& span : evidence) {
    if (std::find(seen.begin(), seen.end(), span.passage) != seen.end()) continue;
    seen.push_back(span.passage);
    marks += fmt::format("[{}]", span.passage + 1);
  }
  return marks;
}

Error answer_stopped() { return Error{ErrorCode::kCancelled, "the answer was stopped"}; }

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
  if (made.finish == engine::FinishReason::kCancelled) return answer_stopped();
  if (stream.only_thought()) {
    return Error{ErrorCode::kLimit,
                 fmt::format("the model thought for all of its {} tokens and gave no answer; raise "
                             "model.max_tokens or switch model.thinking off",
                             request.max_tokens)};
  }
  if (!stream.finish()) return answer_stopped();
  GenerateResult result;
  result.n_prompt_tokens = made.n_prompt_tokens;
  result.n_completion_tokens = made.n_completion_tokens;
  if (made.kv_settings != model_->kv_settings()) result.identity = identity_with(made.kv_settings);
  result.answered = !stream.refused() && !stream.text().empty();
  result.finish_reason = result.answered ? engine::finish_reason_name(made.finish) : "no_answer";
  if (!result.answered) return result;
  if (stream.has_marks()) {
    result.evidence = find_evidence(stream.text(), given);
  } else {
    result.evidence = find_uncited_evidence(stream.text(), given);
    const std::string marks = marks_of(result.evidence);
    if (!marks.empty() && !stream.append(" " + marks)) return answer_stopped();
  }
  result.text = stream.text();
  return result;
}

}  // namespace docmind::providers
