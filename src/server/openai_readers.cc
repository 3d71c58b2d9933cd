// What becomes of generated texts in OpenAI's form: a stream of events, or one object.
// SPDX-License-Identifier: Apache-2.0
#include "server/openai_readers.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "server/outcome.h"
#include "server/send.h"
#include "server/sse.h"

namespace docmind::server {
namespace {

// One choice of a response, as far as it has come.
struct Choice {
  explicit Choice(const OpenAiForm& form, size_t index)
      : text(form.choice), logprobs(*form.tokenizer, form.echoes.empty() ? 0 : count_characters(form.echoes[index])) {}
  ChoiceText text;
  CompletionLogprobs logprobs;
  bool begun = false;
  int64_t n_calls = 0;
};

std::string with_deadline(const engine::Generation& made) {
  return made.finish == engine::FinishReason::kDeadline ? R"(,"docmind":{"finish_reason":"deadline"})" : "";
}

class OpenAiStream final : public TextReader {
 public:
  OpenAiStream(ExchangePtr exchange, OpenAiForm form)
      : exchange_(std::move(exchange)),
        form_(std::move(form)),
        chunks_(form_.head, form_.include_usage),
        made_(form_.n_texts) {
    for (size_t i = 0; i < form_.n_texts; ++i) choices_.emplace_back(form_, i);
  }

  bool on_piece(size_t index, std::string_view piece, std::span<const engine::ScoredToken> scored) override {
    if (failed_) return false;
    out_.clear();
    begin_choice(index);
    if (form_.chat) {
      show_parts(index, choices_[index].text.feed(piece), scored);
    } else {
      chunks_.text(out_, index, piece, logprobs_of(index, scored), {});
    }
    return send();
  }

  void on_end(size_t index, Result<engine::Generation> outcome) override {
    if (failed_) return;
    if (const auto error = failure_of(outcome)) return fail(*error);
    out_.clear();
    begin_choice(index);
    Choice& choice = choices_[index];
    if (form_.chat) {
      show_parts(index, choice.text.finish(), {});
      chunks_.end(out_, index, finish_word(outcome->finish, choice.n_calls > 0), with_deadline(*outcome));
    } else {
      chunks_.text(out_, index, {}, "null", finish_word(outcome->finish, false), with_deadline(*outcome));
    }
    made_[index] = *std::move(outcome);
    send();
  }

  void on_done() override {
    if (failed_) return;
    out_.clear();
    chunks_.usage(out_, usage_of(made_, form_.n_prompts));
    OpenAiChunks::done(out_);
    send();
    exchange_->finish();
  }

 private:
  void begin_choice(size_t index) {
    Choice& choice = choices_[index];
    if (choice.begun) return;
    choice.begun = true;
    if (form_.chat) chunks_.role(out_, index);
    else if (!form_.echoes.empty()) chunks_.text(out_, index, form_.echoes[index], "null", {});
  }

  void show_parts(size_t index, const ChoiceText::Parts& parts, std::span<const engine::ScoredToken> scored) {
    Choice& choice = choices_[index];
    if (!parts.thought.empty()) chunks_.thought(out_, index, parts.thought);
    const bool in_answer = !choice.text.thinking();
    if (!parts.answer.empty() || (form_.logprobs && in_answer && !scored.empty())) {
      chunks_.content(out_, index, parts.answer,
                      logprobs_of(index, in_answer ? scored : std::span<const engine::ScoredToken>{}));
    }
    if (parts.calls.empty()) return;
    chunks_.tool_calls(out_, index, parts.calls, choice.n_calls);
    choice.n_calls += static_cast<int64_t>(parts.calls.size());
  }

  std::string logprobs_of(size_t index, std::span<const engine::ScoredToken> scored) {
    if (!form_.logprobs) return "null";
    return json::serialize(form_.chat ? chat_logprobs(*form_.tokenizer, scored)
                                      : choices_[index].logprobs.next(scored));
  }

  bool send() {
    if (!begun_) {
      begun_ = true;
      exchange_->begin({.content_type = std::string(kSseContentType), .headers = {{"cache-control", "no-cache"}}});
    }
    return out_.empty() || exchange_->write(out_);
  }

  // Before the first byte it is the response; after it, the last event of a stream that is cut short.
  void fail(const ApiError& error) {
    failed_ = true;
    if (!begun_) return send_error(exchange_, error, Dialect::kOpenAi);
    exchange_->write("data: " + error_body(error, Dialect::kOpenAi) + "\n\n");
    exchange_->finish();
  }

  const ExchangePtr exchange_;
  const OpenAiForm form_;
  const OpenAiChunks chunks_;
  std::vector<Choice> choices_;
  std::vector<engine::Generation> made_;
  std::string out_;
  bool begun_ = false;
  bool failed_ = false;
};

class OpenAiWhole final : public TextReader {
 public:
  OpenAiWhole(ExchangePtr exchange, OpenAiForm form)
      : exchange_(std::move(exchange)), form_(std::move(form)), made_(form_.n_texts) {}

  bool on_piece(size_t, std::string_view, std::span<const engine::ScoredToken>) override { return !failed_; }

  void on_end(size_t index, Result<engine::Generation> outcome) override {
    if (failed_) return;
    if (const auto error = failure_of(outcome)) {
      failed_ = true;
      return send_error(exchange_, *error, Dialect::kOpenAi);
    }
    made_[index] = *std::move(outcome);
  }

  void on_done() override {
    if (failed_) return;
    json::array choices;
    bool deadline = false;
    for (size_t i = 0; i < made_.size(); ++i) {
      choices.push_back(form_.chat ? chat_choice(i) : text_choice(i));
      deadline = deadline || made_[i].finish == engine::FinishReason::kDeadline;
    }
    json::object response = head_object(form_.head);
    response["choices"] = std::move(choices);
    response["usage"] = usage_object(usage_of(made_, form_.n_prompts));
    if (deadline) response["docmind"] = json::object{{"finish_reason", "deadline"}};
    send_json(exchange_, response, {{"x-docmind-trace", text_trace(made_)}});
  }

 private:
  json::object chat_choice(size_t index) const {
    const engine::Generation& made = made_[index];
    ChoiceText text(form_.choice);
    ChoiceText::Parts parts = text.feed(made.text);
    ChoiceText::Parts rest = text.finish();
    const std::string answer = parts.answer + rest.answer;
    const std::string thought = parts.thought + rest.thought;
    std::vector<MadeToolCall> calls = std::move(parts.calls);
    calls.insert(calls.end(), rest.calls.begin(), rest.calls.end());
    json::object message{{"role", "assistant"}};
    if (answer.empty() && !calls.empty()) message["content"] = nullptr;
    else message["content"] = answer;
    message["refusal"] = nullptr;
    if (!thought.empty()) message["reasoning_content"] = thought;
    if (!calls.empty()) message["tool_calls"] = tool_calls_array(calls, 0, false);
    json::value logprobs;
    if (form_.logprobs) logprobs = chat_logprobs(*form_.tokenizer, made.scored);
    return {{"index", index}, {"message", std::move(message)}, {"logprobs", std::move(logprobs)},
            {"finish_reason", finish_word(made.finish, !calls.empty())}};
  }

  json::object text_choice(size_t index) const {
    const engine::Generation& made = made_[index];
    const std::string echo = form_.echoes.empty() ? std::string() : form_.echoes[index];
    json::value logprobs;
    if (form_.logprobs) logprobs = CompletionLogprobs(*form_.tokenizer, count_characters(echo)).next(made.scored);
    return {{"index", index}, {"text", echo + made.text}, {"logprobs", std::move(logprobs)},
            {"finish_reason", finish_word(made.finish, false)}};
  }

  const ExchangePtr exchange_;
  const OpenAiForm form_;
  std::vector<engine::Generation> made_;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<TextReader> openai_reader(ExchangePtr exchange, OpenAiForm form) {
  if (form.stream) return std::make_unique<OpenAiStream>(std::move(exchange), std::move(form));
  return std::make_unique<OpenAiWhole>(std::move(exchange), std::move(form));
}

}  // namespace docmind::server
