// What becomes of texts and answers in Ollama's form: lines of JSON, or one object.
// SPDX-License-Identifier: Apache-2.0
#include "server/ollama_readers.h"

#include <utility>

#include "server/ollama_lines.h"
#include "server/outcome.h"
#include "server/send.h"

namespace docmind::server {
namespace {

void add_parts_to(ChoiceText::Parts& into, ChoiceText::Parts from) {
  into.thought += from.thought;
  into.answer += from.answer;
  for (MadeToolCall& call : from.calls) into.calls.push_back(std::move(call));
}

// The sending half: a stream begins with its first line, so that an error before it has its own status.
class OllamaSender {
 public:
  OllamaSender(ExchangePtr exchange, bool stream) : exchange_(std::move(exchange)), stream_(stream) {}

  bool write(std::string_view lines, HeaderList headers = {}) {
    if (!begun_) {
      begun_ = true;
      exchange_->begin({.content_type = std::string(kNdjsonContentType), .headers = std::move(headers)});
    }
    return exchange_->write(lines);
  }
  void finish(const json::object& last, HeaderList headers) {
    if (!stream_) return send_json(exchange_, last, std::move(headers));
    write(json::serialize(last) + "\n", std::move(headers));
    exchange_->finish();
  }
  void fail(const ApiError& error) {
    if (!begun_) return send_error(exchange_, error, Dialect::kOllama);
    exchange_->write(error_body(error, Dialect::kOllama) + "\n");
    exchange_->finish();
  }
  [[nodiscard]] const Exchange& exchange() const { return *exchange_; }

 private:
  const ExchangePtr exchange_;
  const bool stream_;
  bool begun_ = false;
};

class OllamaText final : public TextReader {
 public:
  OllamaText(ExchangePtr exchange, OllamaForm form)
      : form_(std::move(form)), sender_(std::move(exchange), form_.stream), lines_(form_.model, form_.chat),
        text_(form_.choice) {}

  bool on_piece(size_t, std::string_view piece, std::span<const engine::ScoredToken>) override {
    ChoiceText::Parts parts = text_.feed(piece);
    if (!form_.stream) {
      add_parts_to(all_, std::move(parts));
      return true;
    }
    if (parts.empty()) return true;
    out_.clear();
    lines_.part(out_, parts);
    return sender_.write(out_);
  }

  void on_end(size_t, Result<engine::Generation> outcome) override {
    if (const auto error = failure_of(outcome)) return sender_.fail(*error);
    add_parts_to(all_, text_.finish());
    const engine::Generation& made = *outcome;
    json::object extension;
    if (made.n_reused_tokens > 0) extension["prompt_cached_count"] = made.n_reused_tokens;
    if (made.finish == engine::FinishReason::kDeadline) {
      extension["docmind"] = json::object{{"finish_reason", "deadline"}};
    }
    sender_.finish(lines_.last(all_,
                               {.done_reason = finish_word(made.finish, false),
                                .total_ms = sender_.exchange().elapsed_ms(),
                                .prefill_ms = made.prefill_ms,
                                .decode_ms = made.decode_ms,
                                .n_prompt = made.n_prompt_tokens,
                                .n_completion = made.n_completion_tokens},
                               extension),
                   {{"x-docmind-trace", text_trace({&made, 1})}});
  }

  void on_done() override {}

 private:
  const OllamaForm form_;
  OllamaSender sender_;
  const OllamaLines lines_;
  ChoiceText text_;
  ChoiceText::Parts all_;  // of a stream: what comes with the end
  std::string out_;
};

class OllamaAnswer final : public AnswerReader {
 public:
  OllamaAnswer(ExchangePtr exchange, OllamaForm form, std::string collection)
      : form_(std::move(form)), sender_(std::move(exchange), form_.stream), lines_(form_.model, form_.chat),
        collection_(std::move(collection)) {}

  bool on_delta(std::string_view text) override {
    if (!form_.stream) return !sender_.exchange().cancel().cancelled();
    n_shown_ += text.size();
    std::string out;
    lines_.part(out, {.thought = {}, .answer = std::string(text), .calls = {}});
    return sender_.write(out);
  }

  void on_answer(const pipeline::Answer& answer) override {
    ChoiceText::Parts rest;
    if (answer.text.size() > n_shown_) rest.answer = answer.text.substr(n_shown_);
    const json::object extension{{"docmind", documents_extension(answer, collection_)}};
    sender_.finish(lines_.last(rest,
                               {.done_reason = "stop",
                                .total_ms = sender_.exchange().elapsed_ms(),
                                .prefill_ms = 0,
                                .decode_ms = answer.total_ms,
                                .n_prompt = answer.n_prompt_tokens,
                                .n_completion = answer.n_completion_tokens},
                               extension),
                   answer_headers(answer));
  }

  void on_error(const ApiError& error) override { sender_.fail(error); }

 private:
  const OllamaForm form_;
  OllamaSender sender_;
  const OllamaLines lines_;
  const std::string collection_;
  size_t n_shown_ = 0;
};

}  // namespace

std::unique_ptr<TextReader> ollama_reader(ExchangePtr exchange, OllamaForm form) {
  return std::make_unique<OllamaText>(std::move(exchange), std::move(form));
}

std::shared_ptr<AnswerReader> ollama_answer_reader(ExchangePtr exchange, OllamaForm form, std::string collection) {
  return std::make_shared<OllamaAnswer>(std::move(exchange), std::move(form), std::move(collection));
}

void send_ollama_nothing(const ExchangePtr& exchange, const OllamaForm& form, std::string_view reason) {
  const OllamaLines lines(form.model, form.chat);
  OllamaTotals totals;
  totals.done_reason = reason;
  totals.total_ms = exchange->elapsed_ms();
  OllamaSender(exchange, false).finish(lines.last({}, totals), {});
}

}  // namespace docmind::server
