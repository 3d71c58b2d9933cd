// Chats that a collection answers, in OpenAI's form.
// SPDX-License-Identifier: Apache-2.0
#include "server/openai_documents.h"

#include <utility>

#include "base/clock.h"
#include "server/openai_chunks.h"
#include "server/response_text.h"
#include "server/send.h"
#include "server/sse.h"

namespace docmind::server {
namespace {

TokenUsage usage_of_answer(const pipeline::Answer& answer) {
  return {
      .n_prompt = answer.n_prompt_tokens, .n_cached = 0, .n_completion = answer.n_completion_tokens, .n_thought = 0};
}

class WholeAnswer final : public AnswerReader {
 public:
  WholeAnswer(ExchangePtr exchange, ResponseHead head, std::string collection)
      : exchange_(std::move(exchange)), head_(std::move(head)), collection_(std::move(collection)) {}

  bool on_delta(std::string_view) override { return !exchange_->cancel().cancelled(); }

  void on_answer(const pipeline::Answer& answer) override {
    json::object response = head_object(head_);
    json::object message{{"role", "assistant"}, {"content", answer.text}, {"refusal", nullptr}};
    response["choices"] = json::array{json::object{
        {"index", 0}, {"message", std::move(message)}, {"logprobs", nullptr}, {"finish_reason", "stop"}}};
    response["usage"] = usage_object(usage_of_answer(answer));
    response["docmind"] = documents_extension(answer, collection_);
    send_json(exchange_, response, answer_headers(answer));
  }

  void on_error(const ApiError& error) override { send_error(exchange_, error, Dialect::kOpenAi); }

 private:
  const ExchangePtr exchange_;
  const ResponseHead head_;
  const std::string collection_;
};

class StreamedAnswer final : public AnswerReader {
 public:
  StreamedAnswer(ExchangePtr exchange, const ResponseHead& head, std::string collection, bool include_usage)
      : exchange_(std::move(exchange)), chunks_(head, include_usage), collection_(std::move(collection)) {}

  // The first piece waits for the second, so that an answer from memory, which comes in one, can say so in its head.
  bool on_delta(std::string_view text) override {
    if (!begun_ && held_.empty()) {
      held_ = text;
      return !exchange_->cancel().cancelled();
    }
    return show(text, {});
  }

  void on_answer(const pipeline::Answer& answer) override {
    // An answer that nothing was found for may not have been streamed.
    const size_t n_known = n_shown_ + held_.size();
    const std::string rest = answer.text.size() > n_known ? answer.text.substr(n_known) : std::string();
    show(rest, answer_headers(answer));
    std::string out;
    chunks_.end(out, 0, "stop", ",\"docmind\":" + json::serialize(documents_extension(answer, collection_)));
    chunks_.usage(out, usage_of_answer(answer));
    OpenAiChunks::done(out);
    exchange_->write(out);
    exchange_->finish();
  }

  void on_error(const ApiError& error) override {
    if (!begun_) return send_error(exchange_, error, Dialect::kOpenAi);
    exchange_->write("data: " + error_body(error, Dialect::kOpenAi) + "\n\n");
    exchange_->finish();
  }

 private:
  bool show(std::string_view text, HeaderList headers) {
    std::string out;
    if (!begun_) {
      begun_ = true;
      headers.emplace_back("cache-control", "no-cache");
      exchange_->begin({.content_type = std::string(kSseContentType), .headers = std::move(headers)});
      chunks_.role(out, 0);
    }
    for (const std::string_view piece : {std::string_view(held_), text}) {
      if (piece.empty()) continue;
      chunks_.content(out, 0, piece);
      n_shown_ += piece.size();
    }
    held_.clear();
    return exchange_->write(out);
  }

  const ExchangePtr exchange_;
  const OpenAiChunks chunks_;
  const std::string collection_;
  std::string held_;
  size_t n_shown_ = 0;
  bool begun_ = false;
};

}  // namespace

void chat_by_documents(pipeline::Service& service, const RouteOptions& options, const ExchangePtr& exchange,
                       const ChatRequest& request, const ChatTarget& target) {
  ApiError error;
  auto question = documents_question(request, *target.collection, error);
  if (!question) return send_error(exchange, error, Dialect::kOpenAi);
  const bool stream = request.generation.stream;
  const ResponseHead head{.id = new_id("chatcmpl-"), .object = stream ? "chat.completion.chunk" : "chat.completion",
                          .created = unix_time_ms() / 1'000, .model = target.model, .fingerprint = {}};
  std::shared_ptr<AnswerReader> reader;
  if (stream) {
    reader = std::make_shared<StreamedAnswer>(exchange, head, *target.collection, request.generation.include_usage);
  } else {
    reader = std::make_shared<WholeAnswer>(exchange, head, *target.collection);
  }
  ask_documents(service, options, exchange, *std::move(question), std::move(reader));
}

}  // namespace docmind::server
